/** Access tokens from a server over HTTP: when they are asked for, what is kept, and what each refusal comes to. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { DemoServer } from '../../../src/demo/demo-server.ts';
import { withLogin } from '../../../src/job/assemble-login.ts';
import type { OauthDefinition } from '../../../src/job/job.ts';
import { TokenSource } from '../../../src/job/oauth/token-source.ts';
import { openClient } from '../../../src/pop3/open-client.ts';
import { optionsFor } from '../../pop3/support/sessions.ts';
import {
  bearer,
  refused,
  startTokenEndpoint,
  type TokenAnswer,
  type TokenEndpoint,
  type TokenRequest,
} from '../../services/token-endpoint.ts';
import { tempFolder } from '../temp-folder.ts';

const signal = new AbortController().signal;
const SECRETS = /refresh-1|refresh-2|client-secret/;

async function endpointThat(
  answer: (request: TokenRequest, count: number) => TokenAnswer | undefined,
): Promise<TokenEndpoint> {
  const endpoint = await startTokenEndpoint(answer);
  onTestFinished(() => endpoint[Symbol.asyncDispose]());
  return endpoint;
}

const definitionFor = (
  { url, deviceUrl }: TokenEndpoint,
  more: Partial<OauthDefinition> = {},
): OauthDefinition => ({
  tokenEndpoint: url,
  deviceEndpoint: deviceUrl,
  clientId: 'client-id',
  clientSecret: { kind: 'plain', value: 'client-secret' },
  scope: 'pop',
  grant: 'refreshToken',
  refreshToken: { kind: 'plain', value: 'refresh-1' },
  storePath: undefined,
  ...more,
});

async function open(definition: OauthDefinition, clock = { now: 0 }, timeoutMs = 5000) {
  const warnings: string[] = [];
  const warn = (text: string) => warnings.push(text);
  const options = { definition, timeoutMs, signal, env: {}, now: () => clock.now, warn };
  return { source: await TokenSource.open(options), warnings };
}

describe('an access token', () => {
  it('is asked for by the refresh token when it is needed, and kept until shortly before its end', async () => {
    const endpoint = await endpointThat((_, count) => bearer(`access-${count}`, { expires_in: 600 }));
    const clock = { now: 0 };
    const { source } = await open(definitionFor(endpoint), clock);
    expect(endpoint.requests).toEqual([]);
    const token = async () => {
      const { secret, isFresh } = await source.token(signal);
      return [secret.reveal(), isFresh];
    };
    expect(await token()).toEqual(['access-1', true]);
    clock.now = 539_000;
    expect(await token()).toEqual(['access-1', false]);
    clock.now = 541_000;
    expect(await token()).toEqual(['access-2', true]);
    source.forget();
    expect(await token()).toEqual(['access-3', true]);
    const grant = { grant_type: 'refresh_token', refresh_token: 'refresh-1', scope: 'pop' };
    expect(endpoint.requests[0]?.form).toEqual({
      ...grant,
      client_id: 'client-id',
      client_secret: 'client-secret',
    });
  });

  it('is asked for once by sessions that open together', async () => {
    const endpoint = await endpointThat((_, count) => bearer(`access-${count}`));
    const { source } = await open(definitionFor(endpoint));
    const tokens = await Promise.all([source.token(signal), source.token(signal), source.token(signal)]);
    expect(tokens.map(({ secret }) => secret.reveal())).toEqual(['access-1', 'access-1', 'access-1']);
  });

  it('comes by the right of the client itself', async () => {
    const endpoint = await endpointThat(() => bearer('access'));
    const definition = definitionFor(endpoint, { grant: 'clientCredentials', refreshToken: undefined });
    const { source } = await open(definition);
    expect((await source.token(signal)).secret.reveal()).toBe('access');
    expect(endpoint.requests[0]?.form).toMatchObject({ grant_type: 'client_credentials', scope: 'pop' });
  });
});

describe('a refresh token that the provider replaces', () => {
  it('is stored before the access token is used, for its owner alone, and is the one to go on with', async () => {
    const folder = await tempFolder();
    const storePath = join(folder.path, 'tokens', 'alice');
    const endpoint = await endpointThat((_, count) =>
      bearer('access', { refresh_token: `refresh-${count + 1}` }),
    );
    const definition = definitionFor(endpoint, { storePath });
    const { source } = await open(definition);
    await source.token(signal);
    expect(readFileSync(storePath, 'utf8')).toBe('refresh-2\n');
    expect(statSync(storePath).mode & 0o777).toBe(0o600);
    expect(existsSync(`${storePath}.new`)).toBe(false);
    source.forget();
    await source.token(signal);
    const { source: next } = await open(definition);
    await next.token(signal);
    expect(endpoint.requests.map(({ form }) => form['refresh_token'])).toEqual([
      'refresh-1',
      'refresh-2',
      'refresh-3',
    ]);
  });

  it('and has no place to be kept in is warned of, and used for as long as this run lasts', async () => {
    const endpoint = await endpointThat(() => bearer('access', { refresh_token: 'refresh-2' }));
    const { source, warnings } = await open(definitionFor(endpoint));
    await source.token(signal);
    source.forget();
    await source.token(signal);
    expect(warnings).toEqual([expect.stringContaining('`oauth.store` names no file')]);
    expect(endpoint.requests[1]?.form).toMatchObject({ refresh_token: 'refresh-2' });
  });

  it('and cannot be stored ends the login: it would be lost', async () => {
    const folder = await tempFolder();
    const endpoint = await endpointThat(() => bearer('access', { refresh_token: 'refresh-2' }));
    const storePath = join(folder.path, 'tokens', 'alice');
    const { source } = await open(definitionFor(endpoint, { storePath }));
    await folder.write('tokens', 'a file where the folder should be');
    await expect(source.token(signal)).rejects.toMatchObject({
      code: 'oauth-store',
      message: expect.stringContaining(storePath),
    });
  });

  it('that is not there yet is told, with what to do', async () => {
    const endpoint = await endpointThat(() => undefined);
    const definition = definitionFor(endpoint, { refreshToken: undefined, storePath: '/nonexistent/token' });
    await expect(open(definition)).rejects.toMatchObject({
      code: 'secret-missing',
      message: expect.stringContaining('/nonexistent/token'),
      hint: expect.stringContaining('mailferry login'),
    });
  });
});

test.each([
  [
    refused('invalid_grant', 'AADSTS70008: expired.\r\nTrace ID: 1'),
    'oauth-refused',
    'never',
    /invalid_grant \(AADSTS70008: expired\.\)$/,
  ],
  [
    refused('invalid_grant', 'no such token: refresh-1, for client-secret'),
    'oauth-refused',
    'never',
    /invalid_grant \(no such token: \*\*\*\*, for \*\*\*\*\)$/,
  ],
  [refused('refresh-1'), 'oauth-refused', 'never', /refuses the refresh token: \*\*\*\*$/],
  [bearer('tok\r\nen'), 'oauth-unreachable', 'later', /what it gave is no token/],
  [bearer('token', { refresh_token: 'a\0b' }), 'oauth-unreachable', 'later', /what it gave is no token/],
  [refused('invalid_client'), 'oauth-refused', 'never', /refuses the refresh token: invalid_client$/],
  [refused('temporarily_unavailable'), 'oauth-unreachable', 'later', /temporarily_unavailable/],
  [{ status: 503, body: 'busy' }, 'oauth-unreachable', 'later', /no access token from 127\.0\.0\.1/],
  [{ body: 'no JSON' }, 'oauth-unreachable', 'later', /no access token from/],
  [{ body: { token_type: 'Bearer' } }, 'oauth-unreachable', 'later', /access_token/],
] as const)('the answer %j comes to %s, %s', async (answer, code, retry, message) => {
  const endpoint = await endpointThat(() => answer);
  const { source } = await open(definitionFor(endpoint));
  const thrown = await source.token(signal).catch((cause: unknown) => cause);
  expect(thrown).toMatchObject({ code, retry, message: expect.stringMatching(message) });
  expect(JSON.stringify(thrown) + String(thrown)).not.toMatch(SECRETS);
});

describe('a token endpoint', () => {
  it('that does not answer is given up after the deadline', async () => {
    const endpoint = await endpointThat(() => undefined);
    const { source } = await open(definitionFor(endpoint), { now: 0 }, 50);
    await expect(source.token(signal)).rejects.toMatchObject({
      code: 'oauth-unreachable',
      message: expect.stringContaining('no answer within 50 ms'),
    });
  });

  it('that is not there may be there later', async () => {
    const endpoint = await startTokenEndpoint(() => undefined);
    await endpoint[Symbol.asyncDispose]();
    const { source } = await open(definitionFor(endpoint));
    await expect(source.token(signal)).rejects.toMatchObject({ code: 'oauth-unreachable', retry: 'later' });
  });
});

describe('a login by token', () => {
  const account = { user: 'alice', auth: 'AUTO', authorizationId: undefined } as const;
  const limits = { pipeline: 1 };

  async function serve(token: string): Promise<DemoServer> {
    const server = await DemoServer.start({
      users: [{ name: 'alice', password: token }],
      logins: ['plain', 'xoauth2'],
    });
    onTestFinished(() => server.close());
    return server;
  }

  const logIn = async (source: TokenSource, server: DemoServer): Promise<void> => {
    const client = await withLogin(
      { account, limits, credential: { kind: 'token', source }, signal },
      (login) => openClient(optionsFor(server.port, login)),
    );
    await client.quit();
    await client.closed;
  };

  it('is repeated once with a new token where the kept one was revoked', async () => {
    const endpoint = await endpointThat((_, count) => bearer(`access-${count}`));
    const { source } = await open(definitionFor(endpoint));
    await logIn(source, await serve('access-1'));
    await logIn(source, await serve('access-2'));
    expect(endpoint.requests).toHaveLength(2);
  });

  it('is not repeated where a new token is refused', async () => {
    const endpoint = await endpointThat((_, count) => bearer(`access-${count}`));
    const { source } = await open(definitionFor(endpoint));
    const server = await serve('another');
    await expect(logIn(source, server)).rejects.toMatchObject({ code: 'login-refused' });
    expect(endpoint.requests).toHaveLength(1);
    await expect(logIn(source, server)).rejects.toMatchObject({ code: 'login-refused' });
    expect(endpoint.requests).toHaveLength(2);
  });

  it('sends the token to no server that takes passwords alone', async () => {
    const endpoint = await endpointThat(() => bearer('access'));
    const { source } = await open(definitionFor(endpoint));
    const server = await DemoServer.start({
      users: [{ name: 'alice', password: 'access' }],
      logins: ['plain'],
    });
    onTestFinished(() => server.close());
    await expect(logIn(source, server)).rejects.toMatchObject({
      code: 'login-not-possible',
      message: expect.stringContaining('neither OAUTHBEARER nor XOAUTH2'),
    });
  });
});
