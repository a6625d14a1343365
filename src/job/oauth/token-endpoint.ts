/**
 * The only file that speaks OAuth 2.0 to a server (RFC 6749 §6, §4.4; RFC 8628), through the package `oauth4webapi`. It gives tokens
 * or graded errors; no error holds a token or a client secret.
 */
import * as oauth from 'oauth4webapi';
import { MailferryError, systemCodeOf, textOf } from '../../errors/mailferry-error.ts';
import { isCertificateTrouble } from '../../pop3/certificate-trouble.ts';
import { withoutSecrets } from '../../pop3/command.ts';
import type { ProxyOptions } from '../../pop3/proxy.ts';
import type { OauthDefinition } from '../job.ts';
import { Secret } from '../secret.ts';
import { tunnelledFetch } from './tunnelled-fetch.ts';

export interface FetchedToken {
  readonly accessToken: Secret;
  /** Seconds from now; undefined where the server does not say. */
  readonly expiresIn: number | undefined;
  /** A new one in place of the one that was used, or the first. */
  readonly refreshToken: Secret | undefined;
}

export interface DeviceCode {
  readonly deviceCode: Secret;
  /** For the person who logs in. */
  readonly userCode: string;
  readonly verificationUri: string;
  readonly expiresIn: number;
  /** Seconds between two questions whether the person has done it. */
  readonly interval: number;
}

/** An endpoint with what every request to it needs. */
export interface OauthClient {
  readonly definition: OauthDefinition;
  readonly clientSecret: Secret | undefined;
  /** Through which it is reached; directly where there is none. */
  readonly proxy?: ProxyOptions | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** @throws MailferryError `oauth-refused` (never), `oauth-unreachable` (later). */
export async function refreshTokens(client: OauthClient, refreshToken: Secret): Promise<FetchedToken> {
  const { server, self, authentication, options } = requestOf(client);
  const secrets = [refreshToken.reveal()];
  return asked({ ...client, secrets }, 'the refresh token', async () => {
    const additionalParameters = scopeOf(client.definition);
    const answer = await oauth.refreshTokenGrantRequest(server, self, authentication, refreshToken.reveal(), {
      ...options,
      additionalParameters,
    });
    return toToken(await oauth.processRefreshTokenResponse(server, self, answer));
  });
}

/** @throws as `refreshTokens`. */
export async function clientCredentialsToken(client: OauthClient): Promise<FetchedToken> {
  const { server, self, authentication, options } = requestOf(client);
  return asked(client, 'the client', async () => {
    const scope = scopeOf(client.definition);
    const answer = await oauth.clientCredentialsGrantRequest(server, self, authentication, scope, options);
    return toToken(await oauth.processClientCredentialsResponse(server, self, answer));
  });
}

/** @throws as `refreshTokens`. */
export async function startDeviceLogin(client: OauthClient): Promise<DeviceCode> {
  const { server, self, authentication, options } = requestOf(client);
  return asked(client, 'the client', async () => {
    const scope = scopeOf(client.definition);
    const answer = await oauth.deviceAuthorizationRequest(server, self, authentication, scope, options);
    const code = await oauth.processDeviceAuthorizationResponse(server, self, answer);
    return {
      deviceCode: new Secret(code.device_code),
      userCode: code.user_code,
      verificationUri: code.verification_uri,
      expiresIn: code.expires_in,
      interval: code.interval ?? 5,
    };
  });
}

/** @returns `pending` while the person has not done it, `slow down` where that was asked too soon. @throws as `refreshTokens`. */
export async function askDeviceLogin(
  client: OauthClient,
  { deviceCode }: DeviceCode,
): Promise<FetchedToken | 'pending' | 'slow down'> {
  const { server, self, authentication, options } = requestOf(client);
  return asked({ ...client, secrets: [deviceCode.reveal()] }, 'the login', async () => {
    try {
      const answer = await oauth.deviceCodeGrantRequest(
        server,
        self,
        authentication,
        deviceCode.reveal(),
        options,
      );
      return toToken(await oauth.processDeviceCodeResponse(server, self, answer));
    } catch (cause) {
      const error = cause instanceof oauth.ResponseBodyError ? cause.error : undefined;
      if (error === 'authorization_pending') {
        return 'pending';
      }
      if (error === 'slow_down') {
        return 'slow down';
      }
      throw cause;
    }
  });
}

function requestOf({ definition, clientSecret, proxy, timeoutMs, signal }: OauthClient) {
  const { tokenEndpoint, deviceEndpoint, clientId } = definition;
  const server: oauth.AuthorizationServer = {
    issuer: new URL(tokenEndpoint).origin,
    token_endpoint: tokenEndpoint,
    ...(deviceEndpoint !== undefined && { device_authorization_endpoint: deviceEndpoint }),
  };
  const self: oauth.Client = { client_id: clientId };
  const authentication =
    clientSecret === undefined ? oauth.None() : oauth.ClientSecretPost(clientSecret.reveal());
  const options = {
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    // The schema lets no other address pass in the clear than one of this machine.
    [oauth.allowInsecureRequests]: tokenEndpoint.startsWith('http:'),
    ...(proxy !== undefined && { [oauth.customFetch]: tunnelledFetch(proxy, timeoutMs) }),
  };
  return { server, self, authentication, options };
}

function scopeOf({ scope }: OauthDefinition): Record<string, string> {
  return scope === undefined ? {} : { scope };
}

function toToken({ access_token, expires_in, refresh_token }: oauth.TokenEndpointResponse): FetchedToken {
  // RFC 6749 app. A.12, A.17: what has a line end or a NUL in it is no token, and would not be one line at a server.
  if (/\p{Cc}/u.test(access_token + (refresh_token ?? ''))) {
    throw new Error('what it gave is no token');
  }
  return {
    accessToken: new Secret(access_token),
    expiresIn: expires_in,
    refreshToken: refresh_token === undefined ? undefined : new Secret(refresh_token),
  };
}

interface Asker extends Pick<OauthClient, 'definition' | 'clientSecret' | 'signal' | 'timeoutMs'> {
  /** What was sent besides the client's secret: a provider may say it back. */
  readonly secrets?: readonly string[];
}

/** Grades what goes wrong. Never with the error as cause: it holds the whole answer. */
async function asked<T>(
  { definition, clientSecret, secrets = [], signal, timeoutMs }: Asker,
  what: string,
  ask: () => Promise<T>,
): Promise<T> {
  const place = new URL(definition.tokenEndpoint).host;
  try {
    return await ask();
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof oauth.ResponseBodyError) {
      throw refusal(place, what, cause, [...secrets, clientSecret?.reveal() ?? '']);
    }
    const isTimeout = cause instanceof Error && cause.name === 'TimeoutError';
    const why = isTimeout ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
    throw new MailferryError(`no access token from ${place}: ${why}`, {
      code: 'oauth-unreachable',
      scope: 'account',
      retry: isLasting(cause) ? 'never' : 'later',
      hint: 'see whether `tokenEndpoint` is right and can be reached from here',
    });
  }
}

/** `fetch` says "fetch failed", and why only in its cause. */
function reasonOf(cause: unknown): string {
  const isOurs = cause instanceof MailferryError;
  return !isOurs && cause instanceof Error && cause.cause instanceof Error
    ? textOf(cause.cause)
    : textOf(cause);
}

/** A certificate that is wrong, or a proxy that wants another password, is so tomorrow as well. */
function isLasting(cause: unknown): boolean {
  if (cause instanceof MailferryError) {
    return cause.retry === 'never';
  }
  const reason = cause instanceof Error ? cause.cause : undefined;
  return reason instanceof Error && isCertificateTrouble(systemCodeOf(reason));
}

const PASSING: readonly string[] = ['temporarily_unavailable', 'server_error', 'slow_down'];

const HINTS: Readonly<Record<string, string>> = {
  invalid_grant:
    'it has expired or was revoked: log in anew with `mailferry login`, or put a new refresh token where the job says',
  invalid_client: 'check `clientId` and `clientSecret`',
  unauthorized_client: 'the provider does not let this client do that: see how it is registered there',
  invalid_scope: 'check `scope`',
  access_denied: 'the person who was asked said no',
  expired_token: 'the code was not entered in time: begin again',
};

function refusal(
  place: string,
  what: string,
  { error: code, error_description, status }: oauth.ResponseBodyError,
  secrets: readonly string[],
): MailferryError {
  const error = withoutSecrets(code, secrets);
  const isPassing = PASSING.includes(error) || status >= 500;
  // Microsoft puts trace ids on lines of their own behind the sentence.
  const [description = ''] = withoutSecrets(error_description ?? '', secrets).split(/[\r\n]/);
  return new MailferryError(
    `${place} refuses ${what}: ${error}${description === '' ? '' : ` (${description.slice(0, 300)})`}`,
    {
      code: isPassing ? 'oauth-unreachable' : 'oauth-refused',
      scope: 'account',
      retry: isPassing ? 'later' : 'never',
      hint: HINTS[error],
    },
  );
}
