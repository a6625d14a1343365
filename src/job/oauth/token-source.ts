/**
 * Access tokens of one account: fetched when a session is opened, used for as long as they are good, in memory only. A refresh
 * token that the provider replaces is stored before the new access token is used.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import type { ProxyOptions } from '../../pop3/proxy.ts';
import type { OauthDefinition } from '../job.ts';
import type { ResolveOptions } from '../raw-secret.ts';
import type { Secret } from '../secret.ts';
import { resolveOrWarn } from '../secrets.ts';
import {
  clientCredentialsToken,
  type FetchedToken,
  type OauthClient,
  refreshTokens,
} from './token-endpoint.ts';
import { readStoredToken, storeToken } from './token-store.ts';

/** A token that ends within this time is not begun with: a login may be slow. */
const LEAST_LIFE_MS = 60_000;
/** Where the server does not say: RFC 6749 §4.2.2 only recommends that it does. */
const USUAL_LIFE_S = 3600;

export interface TokenSourceOptions extends ResolveOptions {
  readonly definition: OauthDefinition;
  /** Through which tokens are asked for. */
  readonly proxy?: ProxyOptions | undefined;
  readonly now: () => number;
  /** Told what is unwise: a refresh token that was replaced and has no place to be kept in. */
  readonly warn: (text: string) => void;
}

export interface Token {
  readonly secret: Secret;
  /** Fetched for this very use: if it is refused, another one would be, too. */
  readonly isFresh: boolean;
}

export class TokenSource {
  readonly #options: TokenSourceOptions;
  readonly #clientSecret: Secret | undefined;
  #refreshToken: Secret | undefined;
  #present: { readonly secret: Secret; readonly endsAt: number } | undefined;
  #fetching: Promise<Secret> | undefined;

  private constructor(
    options: TokenSourceOptions,
    clientSecret: Secret | undefined,
    refreshToken: Secret | undefined,
  ) {
    this.#options = options;
    this.#clientSecret = clientSecret;
    this.#refreshToken = refreshToken;
  }

  /** Has all secrets at hand that fetching a token needs; asks no server. @throws MailferryError `secret-…`, `oauth-store`. */
  static async open(options: TokenSourceOptions): Promise<TokenSource> {
    const { definition } = options;
    const resolved = async (source: OauthDefinition['clientSecret']) =>
      source === undefined ? undefined : resolveOrWarn(source, options);
    const clientSecret = await resolved(definition.clientSecret);
    if (definition.grant === 'clientCredentials') {
      return new TokenSource(options, clientSecret, undefined);
    }
    const stored =
      definition.storePath === undefined
        ? undefined
        : await readStoredToken(definition.storePath, options.warn);
    const refreshToken = stored ?? (await resolved(definition.refreshToken));
    if (refreshToken === undefined) {
      throw noRefreshToken(definition);
    }
    return new TokenSource(options, clientSecret, refreshToken);
  }

  /** @throws MailferryError `oauth-…` */
  async token(signal: AbortSignal): Promise<Token> {
    const present = this.#present;
    if (present !== undefined && present.endsAt - this.#options.now() > LEAST_LIFE_MS) {
      return { secret: present.secret, isFresh: false };
    }
    // Sessions that open together share one: a refresh token may be good for a single use.
    this.#fetching ??= this.#fetch(signal).finally(() => {
      this.#fetching = undefined;
    });
    return { secret: await this.#fetching, isFresh: true };
  }

  /** The present token was refused, whatever its end says: it was revoked, or a clock is wrong. */
  forget(): void {
    this.#present = undefined;
  }

  async #fetch(signal: AbortSignal): Promise<Secret> {
    const { definition, proxy, timeoutMs, now } = this.#options;
    const client = { definition, clientSecret: this.#clientSecret, proxy, timeoutMs, signal };
    const fetched = await this.#ask(client);
    this.#keepRefreshToken(fetched);
    const lifeMs = (fetched.expiresIn ?? USUAL_LIFE_S) * 1000;
    this.#present = { secret: fetched.accessToken, endsAt: now() + lifeMs };
    return fetched.accessToken;
  }

  #ask(client: OauthClient): Promise<FetchedToken> {
    return this.#refreshToken === undefined
      ? clientCredentialsToken(client)
      : refreshTokens(client, this.#refreshToken);
  }

  #keepRefreshToken({ refreshToken }: FetchedToken): void {
    const { definition, warn } = this.#options;
    if (refreshToken === undefined || refreshToken.reveal() === this.#refreshToken?.reveal()) {
      return;
    }
    this.#refreshToken = refreshToken;
    if (definition.storePath === undefined) {
      warn(
        'the provider has replaced the refresh token, and `oauth.store` names no file to keep it in: the next run may be refused',
      );
    } else {
      storeToken(definition.storePath, refreshToken);
    }
  }
}

function noRefreshToken({ storePath }: OauthDefinition): MailferryError {
  return new MailferryError(
    `there is no refresh token yet${storePath === undefined ? '' : ` in ${storePath}`}`,
    {
      code: 'secret-missing',
      scope: 'account',
      retry: 'never',
      hint: 'log in once: mailferry login JOB --account NAME',
    },
  );
}
