/**
 * The first line of an answer (RFC 1939 §3): `+OK` or `-ERR`, and text that means nothing by itself.
 */
import { withoutSecrets } from './command.ts';
import { ProtocolError } from './errors.ts';

export type Status =
  | { readonly kind: 'ok'; readonly text: string }
  | { readonly kind: 'err'; readonly text: string }
  /** A SASL challenge: `+ ` and Base64 (RFC 5034 §4). */
  | { readonly kind: 'challenge'; readonly text: string };

const MAX_QUOTED = 80;

/**
 * @param line the line without its end.
 * @param isSasl whether a challenge may come: there `+`, `+ `, `+ junk` are accepted, elsewhere they are a breach.
 * @param secrets what an error must not show, should the server have repeated it
 * @throws ProtocolError
 */
export function parseStatus(line: Buffer, isSasl: boolean, secrets?: readonly string[]): Status {
  const text = line.toString('latin1');
  if (text.startsWith('+OK')) {
    // As nearly all servers write it, with nearly all that they say.
    return { kind: 'ok', text: text.slice(3).trimStart() };
  }
  const keyword = text.slice(0, 4).toUpperCase();
  if (keyword === '-ERR') {
    return { kind: 'err', text: text.slice(4).trimStart() };
  }
  if (keyword.startsWith('+OK')) {
    return { kind: 'ok', text: text.slice(3).trimStart() };
  }
  if (isSasl && text.startsWith('+')) {
    return { kind: 'challenge', text: text.slice(1).trim() };
  }
  throw new ProtocolError(
    `expected +OK or -ERR from the server, got ${quote(withoutSecrets(text, secrets))}`,
  );
}

/** A line of the server for a trace: what would steer a terminal, or is not ASCII, is escaped. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Server text, safe to show: printable ASCII stays, the rest is escaped, long text is cut. */
export function quote(text: string): string {
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return JSON.stringify(cut).replace(/[\u007f-\u00ff]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`);
}
