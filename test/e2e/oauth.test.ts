/** A job whose account logs in by OAuth, as its user sees it: the device login once, then runs that nobody has to attend. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import {
  bearer,
  refused,
  startTokenEndpoint,
  type TokenAnswer,
  type TokenEndpoint,
  type TokenRequest,
} from '../services/token-endpoint.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, parseEvents } from '../support/job-folder.ts';
import { secretForms } from '../support/secret-forms.ts';

const ACCESS = 'access-token-4711';
const mail = someMessages(2);

let folder: JobFolder;
let server: DemoServer;
let endpoint: TokenEndpoint;
let answer: (request: TokenRequest, count: number) => TokenAnswer;

beforeEach(async () => {
  folder = new JobFolder();
  endpoint = await startTokenEndpoint((request, count) => answer(request, count));
  server = await DemoServer.start({
    users: [{ name: 'alice', password: ACCESS, messages: mail }],
    logins: ['plain', 'xoauth2'],
  });
});

afterEach(async () => {
  await server.close();
  await endpoint[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const writeJob = (oauth: object): string =>
  folder.writeJob(server.port, {
    accounts: ['alice'],
    defaults: {
      password: {
        oauth: {
          tokenEndpoint: endpoint.url,
          deviceEndpoint: endpoint.deviceUrl,
          clientId: 'mailferry',
          ...oauth,
        },
      },
    },
  });

const DEVICE = {
  body: {
    device_code: 'device-code-1',
    user_code: 'WDJB-MJHT',
    verification_uri: 'https://example.com/device',
    expires_in: 60,
    interval: 0.01,
  },
};

describe('an account with OAuth', () => {
  it('is let in by a person once; then runs fetch tokens by themselves, and keep the newest refresh token', async () => {
    let asked = 0;
    answer = ({ path, form }) => {
      if (path === '/device') return DEVICE;
      if (form['grant_type'] === 'refresh_token') return bearer(ACCESS, { refresh_token: 'refresh-2' });
      asked += 1;
      return asked < 3 ? refused('authorization_pending') : bearer('unused', { refresh_token: 'refresh-1' });
    };
    const job = writeJob({ deviceCode: true, store: './tokens/{account}' });
    const store = join(folder.path, 'tokens', 'alice');

    const before = await folder.run(['run', job]);
    expect(before).toMatchObject({ code: 2, stderr: expect.stringContaining('mailferry login') });

    const login = await folder.run(['login', job]);
    expect(login).toMatchObject({ code: 0, stderr: '' });
    expect(login.stdout).toContain('alice: open https://example.com/device and enter the code WDJB-MJHT');
    expect(login.stdout).toContain(`the refresh token is in ${store}`);
    expect(login.stdout).not.toMatch(/refresh-1|device-code-1/);
    expect(readFileSync(store, 'utf8')).toBe('refresh-1\n');
    expect(statSync(store).mode & 0o777).toBe(0o600);

    const run = await folder.run(['run', '--log-level', 'trace', '--trace', 'wire.log', job]);
    expect(run.code).toBe(0);
    expect(folder.archived('alice').maildir).toEqual(storedDigests(mail));
    expect(readFileSync(store, 'utf8')).toBe('refresh-2\n');
    const told = run.stdout + run.stderr + readFileSync(join(folder.path, 'wire.log'), 'latin1');
    for (const form of [...secretForms('alice', ACCESS), 'refresh-1', 'refresh-2']) {
      expect(told).not.toContain(form);
    }
  });

  it('that the person does not let in ends with 3 and the provider’s reason; as JSON too', async () => {
    answer = ({ path }) => (path === '/device' ? DEVICE : refused('access_denied', 'no'));
    const job = writeJob({ deviceCode: true, store: './token' });
    const ended = await folder.run(['login', '--json', job]);
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('access_denied (no)') });
    expect(parseEvents(ended.stdout)).toEqual([
      {
        account: 'alice',
        verificationUri: 'https://example.com/device',
        userCode: 'WDJB-MJHT',
        expiresIn: 60,
      },
    ]);
  });

  it('whose refresh token was revoked ends with 3 and what to do; a provider that is down, with 5', async () => {
    folder.write('refresh.txt', 'refresh-1\n');
    const job = writeJob({ refreshToken: { file: './refresh.txt' } });
    answer = () => refused('invalid_grant', 'revoked');
    const revoked = await folder.run(['run', job]);
    expect(revoked.code).toBe(3);
    expect(revoked.stdout + revoked.stderr).toMatch(/refuses the refresh token: invalid_grant \(revoked\)/);
    answer = () => ({ status: 503, body: 'busy' });
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 5 });
  });

  it('that nobody could log in by code is refused as wrong usage', async () => {
    answer = () => DEVICE;
    const job = folder.writeJob(server.port, { accounts: ['alice'] });
    expect(await folder.run(['login', job])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('deviceCode: true'),
    });
  });
});
