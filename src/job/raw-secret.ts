/** A secret before it is checked, as its sources give it, and what is wrong with a source. No error holds the secret. */
import { MailferryError } from '../errors/mailferry-error.ts';

/** A password has at most some hundred octets, an access token some thousand. */
export const MAX_SECRET_OCTETS = 64 * 1024;

export interface ResolveOptions {
  /** Longest time for a file or a command, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Where variables are looked up; by default the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The octets of a secret before they are checked, and how an error names where they came from. */
export interface RawSecret {
  readonly octets: Buffer;
  readonly from: string;
  readonly warnings: readonly string[];
}

export function missing(text: string, hint: string): MailferryError {
  return new MailferryError(text, { code: 'secret-missing', scope: 'account', retry: 'never', hint });
}

export function unusable(text: string, hint: string): MailferryError {
  return new MailferryError(text, { code: 'secret-unusable', scope: 'account', retry: 'never', hint });
}
