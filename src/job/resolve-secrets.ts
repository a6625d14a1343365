/**
 * All secrets of a run at once, so that every one that cannot be had is told together, before anything is connected.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import { type ProxyOf, tokenProxy } from './assemble-proxy.ts';
import type { AccountDefinition } from './job.ts';
import type { TokenSource } from './oauth/token-source.ts';
import type { ResolveOptions } from './raw-secret.ts';
import type { Secret } from './secret.ts';
import { resolveOrWarn } from './secrets.ts';

/** What an account logs in with: a password that is there, or a source of access tokens. */
export type Credential =
  | { readonly kind: 'password'; readonly secret: Secret }
  | { readonly kind: 'token'; readonly source: TokenSource };

export type CredentialOf = (account: Pick<AccountDefinition, 'id'>) => Credential;

export interface ResolveSecretsOptions extends ResolveOptions {
  readonly now?: () => number;
  /** Which proxy an account goes through. */
  readonly proxyOf: ProxyOf;
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
    for (const account of remaining) {
      const { id } = account;
      try {
        credentials.set(id, await resolveCredential(account, options));
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
  { id, password: source, proxy }: Pick<AccountDefinition, 'id' | 'password' | 'proxy'>,
  options: ResolveSecretsOptions,
): Promise<Credential> {
  const { now = Date.now, proxyOf } = options;
  const warn = (text: string) => options.warn(id, text);
  if (source.kind === 'oauth') {
    const definition = source.oauth;
    const ofTokens = tokenProxy(definition, proxy, proxyOf);
    const { TokenSource } = await import('./oauth/token-source.ts');
    return {
      kind: 'token',
      source: await TokenSource.open({ ...options, definition, proxy: ofTokens, now, warn }),
    };
  }
  return { kind: 'password', secret: await resolveOrWarn(source, { ...options, warn }) };
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
