/**
 * All secrets of a run at once, so that every one that cannot be had is told together, before anything is connected.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { AccountDefinition, CredentialSource } from './job.ts';
import { TokenSource } from './oauth/token-source.ts';
import type { ResolveOptions } from './raw-secret.ts';
import type { Secret } from './secret.ts';
import { resolveSecret } from './secrets.ts';

/** What an account logs in with: a password that is there, or a source of access tokens. */
export type Credential =
  | { readonly kind: 'password'; readonly secret: Secret }
  | { readonly kind: 'token'; readonly source: TokenSource };

export type CredentialOf = (account: Pick<AccountDefinition, 'id'>) => Credential;

export interface ResolveSecretsOptions extends ResolveOptions {
  readonly now?: () => number;
  /** Told what is unwise about a source. */
  readonly warn: (account: string, text: string) => void;
}

/** Commands for secrets that run side by side. */
const CONCURRENCY = 8;

/** How many failures a message lists in full. */
const MAX_LISTED = 20;

/** @throws MailferryError `secret-missing` with each account whose secret cannot be had. */
export async function resolveSecrets(
  accounts: readonly AccountDefinition[],
  options: ResolveSecretsOptions,
): Promise<CredentialOf> {
  const credentials = new Map<string, Credential>();
  const failures: { id: string; cause: MailferryError }[] = [];
  const remaining = accounts.values();
  const resolveNext = async (): Promise<void> => {
    for (const { id, password } of remaining) {
      try {
        credentials.set(id, await resolveCredential(password, id, options));
      } catch (cause) {
        if (!(cause instanceof MailferryError)) {
          throw cause;
        }
        failures.push({ id, cause });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, resolveNext));
  const [first] = failures;
  if (first !== undefined) {
    throw missingSecrets(failures, first.cause);
  }
  return ({ id }) => {
    const credential = credentials.get(id);
    if (credential === undefined) {
      throw new Error(`the secret of ${id} was not asked for`);
    }
    return credential;
  };
}

async function resolveCredential(
  source: CredentialSource,
  id: string,
  options: ResolveSecretsOptions,
): Promise<Credential> {
  if (source.kind === 'oauth') {
    const { now = Date.now, warn } = options;
    const warnOf = (text: string) => warn(id, text);
    return {
      kind: 'token',
      source: await TokenSource.open({ ...options, definition: source.oauth, now, warn: warnOf }),
    };
  }
  const { secret, warnings } = await resolveSecret(source, options);
  for (const text of warnings) {
    options.warn(id, text);
  }
  return { kind: 'password', secret };
}

function missingSecrets(
  failures: readonly { id: string; cause: MailferryError }[],
  first: MailferryError,
): MailferryError {
  const lines = failures.slice(0, MAX_LISTED).map(({ id, cause }) => `  ${id}: ${cause.message}`);
  const more = failures.length - lines.length;
  if (more > 0) {
    lines.push(`  … and ${more} more`);
  }
  const [only] = failures;
  const text =
    failures.length === 1 && only !== undefined
      ? `account ${only.id}: ${first.message}`
      : `${failures.length} passwords cannot be had:\n${lines.join('\n')}`;
  return new MailferryError(text, {
    code: first.code,
    scope: 'run',
    retry: 'never',
    hint: first.hint,
    cause: first,
  });
}
