/** Access tokens where the provider can be reached through a proxy alone, as the mailbox can; and what is never asked through one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../src/demo/certificate.ts';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { type ConnectProxy, startConnectProxy } from '../services/connect-proxy.ts';
import { bearer, startTokenEndpoint, type TokenEndpoint } from '../services/token-endpoint.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder } from '../support/job-folder.ts';
import { secretForms } from '../support/secret-forms.ts';

const ACCESS = 'access-token-4711';
const REFRESH = 'refresh-token-of-the-tide';
const PROXY_PASSWORD = 'mooring-17-Bollard';
const mail = someMessages(2);

let folder: JobFolder;
let server: DemoServer;
let provider: TokenEndpoint;
let proxy: ConnectProxy;
let caPath: string;

beforeEach(async () => {
  folder = new JobFolder();
  server = await DemoServer.start({
    users: [{ name: 'alice', password: ACCESS, messages: mail }],
    logins: ['xoauth2'],
  });
  const { authorityPem, certificatePem, privateKeyPem } = await makeCertificate(['tokens.example']);
  caPath = folder.write('provider-ca.pem', authorityPem);
  provider = await startTokenEndpoint(() => bearer(ACCESS), { cert: certificatePem, key: privateKeyPem });
  proxy = await startConnectProxy({
    'pop.example:110': server.port,
    'tokens.example:443': Number(new URL(provider.url).port),
    'other.example:443': Number(new URL(provider.url).port),
  });
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
  await server.close();
  await folder[Symbol.asyncDispose]();
});

function writeJob(keys: object, tokenEndpoint = 'https://tokens.example/token'): string {
  const oauth = { tokenEndpoint, clientId: 'mailferry', refreshToken: { env: 'REFRESH' } };
  const account = { id: 'alice', user: 'alice', host: 'pop.example', port: 110, password: { oauth } };
  return folder.writeJob(0, { accounts: [{ ...account, ...keys }], defaults: { port: 110 } });
}

const LOUD = ['--verbose', '--log-level', 'trace', '--trace', 'wire.log'];
const run = (job: string, env: Record<string, string> = {}) =>
  folder.run(['run', ...LOUD, job], {
    env: { REFRESH, PROXY_PASSWORD, NODE_EXTRA_CA_CERTS: caPath, ...env },
  });

describe('a token is asked for through the proxy', () => {
  it.each([
    [
      'of the account',
      () => ({
        proxy: {
          url: `http://127.0.0.1:${proxy.port}`,
          user: 'carrier',
          password: { env: 'PROXY_PASSWORD' },
        },
      }),
      () => ({}),
    ],
    [
      'of the environment',
      () => ({}),
      () => ({ ALL_PROXY: `http://carrier:${PROXY_PASSWORD}@127.0.0.1:${proxy.port}` }),
    ],
  ])('%s, as the mailbox is reached; and no secret shows', async (_, keys, env) => {
    const ended = await run(writeJob(keys()), env());
    expect({ code: ended.code, stderr: ended.stderr }).toMatchObject({ code: 0 });
    expect(folder.archived('alice').maildir).toEqual(storedDigests(mail));
    expect(proxy.asked).toEqual(['tokens.example:443', 'pop.example:110']);
    const basic = `Basic ${Buffer.from(`carrier:${PROXY_PASSWORD}`).toString('base64')}`;
    expect(proxy.authorizations).toEqual([basic, basic]);
    expect(provider.requests.map(({ form }) => form['refresh_token'])).toEqual([REFRESH]);
    const trace = readFileSync(join(folder.path, 'wire.log'), 'latin1');
    for (const text of [ended.stdout, ended.stderr, trace]) {
      for (const secret of [ACCESS, REFRESH, PROXY_PASSWORD]) {
        for (const form of secretForms('carrier', secret)) expect(text).not.toContain(form);
      }
    }
  });

  it('and by `mailferry login` too', async () => {
    const oauth = {
      ...{ tokenEndpoint: 'https://tokens.example/token', deviceEndpoint: 'https://tokens.example/device' },
      ...{ clientId: 'mailferry', deviceCode: true, store: './token' },
    };
    const job = writeJob({ proxy: `http://127.0.0.1:${proxy.port}`, password: { oauth } });
    const ended = await folder.run(['login', job], { env: { NODE_EXTRA_CA_CERTS: caPath } });
    // The provider gives a token where a device code was asked for.
    expect(ended).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('no access token from tokens.example'),
    });
    expect(proxy.asked).toEqual(['tokens.example:443']);
    expect(provider.requests.map(({ path }) => path)).toEqual(['/device']);
  });
});

describe('nothing is asked', () => {
  it('of a provider whose certificate is for another name', async () => {
    const job = writeJob({ proxy: `http://127.0.0.1:${proxy.port}` }, 'https://other.example/token');
    const ended = await run(job);
    expect(ended.stdout + ended.stderr).toMatch(/no access token from other\.example.*is for another name/s);
    expect(ended.code).toBe(3);
    expect(provider.requests).toEqual([]);
  });

  it('of one whose authority is not known, without a proxy', async () => {
    const ended = await run(writeJob({}, provider.url), { NODE_EXTRA_CA_CERTS: '' });
    expect(ended.stdout + ended.stderr).toMatch(/no access token from 127\.0\.0\.1:\d+: .*certificate/);
    expect(ended.code).toBe(3);
    expect(provider.requests).toEqual([]);
  });

  it('through a proxy that does not know the provider', async () => {
    const job = writeJob({ proxy: `http://127.0.0.1:${proxy.port}` }, 'https://nowhere.example/token');
    const ended = await run(job);
    expect(ended.code).toBe(5);
    expect(ended.stdout + ended.stderr).toMatch(
      /no access token from nowhere\.example: the proxy .* 502 Unknown host/,
    );
  });

  it('through a proxy of an endpoint on this machine', async () => {
    await using local = await startTokenEndpoint(() => bearer(ACCESS));
    const ended = await run(writeJob({ proxy: `http://127.0.0.1:${proxy.port}` }, local.url));
    expect(ended.code).toBe(0);
    expect(proxy.asked).toEqual(['pop.example:110']);
    expect(local.requests).toHaveLength(1);
  });
});
