/**
 * What an account logs in with, put together for one login: its password, or an access token that is good for now. A token that
 * was kept and is refused is fetched anew, once: it may have been revoked.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { LoginOptions } from '../pop3/open-client.ts';
import type { AccountDefinition, Limits } from './job.ts';
import type { Token } from './oauth/token-source.ts';
import type { Credential } from './resolve-secrets.ts';

export interface LoginParts {
  readonly account: Pick<AccountDefinition, 'user' | 'auth' | 'authorizationId'>;
  readonly limits: Pick<Limits, 'pipeline'>;
  readonly credential: Credential;
  readonly signal: AbortSignal;
}

/** Logs in by `use`, a second time at most. @throws what `use` throws, or MailferryError `oauth-…`. */
export async function withLogin<T>(
  { account, limits, credential, signal }: LoginParts,
  use: (login: LoginOptions) => Promise<T>,
): Promise<T> {
  const { user, auth, authorizationId } = account;
  const login = { user, auth, authorizationId, pipeline: limits.pipeline };
  if (credential.kind === 'password') {
    return use({ ...login, password: credential.secret.reveal() });
  }
  const { source } = credential;
  const useToken = ({ secret }: Token) => use({ ...login, password: secret.reveal(), isToken: true });
  const token = await source.token(signal);
  try {
    return await useToken(token);
  } catch (cause) {
    if (!(cause instanceof MailferryError && cause.code === 'login-refused')) {
      throw cause;
    }
    source.forget();
    if (token.isFresh) {
      throw cause;
    }
    return useToken(await source.token(signal));
  }
}
