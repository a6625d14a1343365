/**
 * An OAuth 2.0 server of the test's own, on loopback: gives access tokens for refresh tokens (RFC 6749 §6), answers a mail server's
 * question whether one is good (RFC 7662), and revokes them. What becomes of the tokens of a refresh token is decided when it
 * is granted. Must not use any code of the product.
 */
import { randomBytes } from 'node:crypto';
import {
  bearer,
  refused,
  startTokenEndpoint,
  type TokenAnswer,
  type TokenEndpoint,
  type TokenRequest,
} from './token-endpoint.ts';

/** `revoked`: the first token is good for one login, though its time is not over; those after it are good. */
export type Fate = 'good' | 'expired' | 'of-somebody-else' | 'revoked';

export const CLIENT = { id: 'mailferry', secret: 'client-secret-of-the-tests' } as const;

/** Makes the text of a token. */
type Mint = (user: string, isExpired: boolean) => string;

interface Token {
  readonly user: string;
  isGood: boolean;
  readonly isForOneUse: boolean;
}

interface Grant {
  readonly user: string;
  readonly fate: Fate;
  readonly given: string[];
}

export class AuthorizationServer implements AsyncDisposable {
  readonly #grants = new Map<string, Grant>();
  readonly #tokens = new Map<string, Token>();
  readonly #mint: Mint;
  #endpoint: TokenEndpoint | undefined;

  private constructor(mint: Mint) {
    this.#mint = mint;
  }

  /** @param mint a mail server that does not ask needs a token that it can read; by default it says nothing */
  static async start(mint: Mint = () => randomBytes(24).toString('base64url')): Promise<AuthorizationServer> {
    const server = new AuthorizationServer(mint);
    server.#endpoint = await startTokenEndpoint((request) => server.#answer(request));
    return server;
  }

  get tokenUrl(): string {
    return this.#endpoint?.url ?? '';
  }

  get introspectionUrl(): string {
    return this.tokenUrl.replace(/token$/, 'introspect');
  }

  /** @returns a refresh token. */
  grant(user: string, fate: Fate): string {
    const refreshToken = `refresh-${user}-${randomBytes(12).toString('base64url')}`;
    this.#grants.set(refreshToken, { user, fate, given: [] });
    return refreshToken;
  }

  /** The access tokens that were given for it so far. */
  givenFor(refreshToken: string): readonly string[] {
    return this.#grants.get(refreshToken)?.given ?? [];
  }

  /** How often a mail server has asked about an access token. */
  questionsAbout(accessToken: string): number {
    const requests = this.#endpoint?.requests ?? [];
    return requests.filter(({ path, form }) => path === '/introspect' && form['token'] === accessToken)
      .length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endpoint?.[Symbol.asyncDispose]();
  }

  #answer({ path, form }: TokenRequest): TokenAnswer {
    return path === '/introspect' ? this.#introspect(form['token'] ?? '') : this.#refresh(form);
  }

  #refresh(form: TokenRequest['form']): TokenAnswer {
    if (form['client_id'] !== CLIENT.id || form['client_secret'] !== CLIENT.secret) {
      return refused('invalid_client');
    }
    const grant = this.#grants.get(form['refresh_token'] ?? '');
    if (grant === undefined) return refused('invalid_grant');
    const { user, fate, given } = grant;
    const owner = fate === 'of-somebody-else' ? 'somebody' : user;
    const token = this.#mint(owner, fate === 'expired');
    this.#tokens.set(token, {
      user: owner,
      isGood: fate !== 'expired',
      isForOneUse: fate === 'revoked' && given.length === 0,
    });
    given.push(token);
    return bearer(token);
  }

  #introspect(text: string): TokenAnswer {
    const token = this.#tokens.get(text);
    if (token?.isGood !== true) return { body: { active: false } };
    if (token.isForOneUse) token.isGood = false;
    return { body: { active: true, sub: token.user, client_id: CLIENT.id } };
  }
}
