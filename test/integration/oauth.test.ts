/** Logins by access token against Dovecot, which checks them itself: good, expired, for somebody else, and torn. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { makeTokenIssuer, type TokenIssuer } from '../services/oauth.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder } from '../support/job-folder.ts';
import type { Ended } from '../support/mailferry.ts';
import { secretForms } from '../support/secret-forms.ts';

const folder = new JobFolder();
const keyFolder = mkdtempSync(join(tmpdir(), 'mailferry-oauth-'));
let dovecot: Dovecot;
let issuer: TokenIssuer;

beforeAll(async () => {
  issuer = makeTokenIssuer(keyFolder);
  dovecot = await startDovecot({
    users: [{ name: 'unused', password: 'unused' }],
    mechanisms: ['plain', 'xoauth2', 'oauthbearer'],
    settings: issuer.settings,
  });
  dovecot.deliver('alice', someMessages(3));
});

afterAll(async () => {
  await dovecot.stop();
  await folder[Symbol.asyncDispose]();
  rmSync(keyFolder, { recursive: true });
});

beforeEach(() => rmSync(join(folder.path, 'wire.log'), { force: true }));

const trace = (): string => readFileSync(join(folder.path, 'wire.log'), 'latin1');

function run(auth: string, token: string, more: object = {}): Promise<Ended> {
  const job = folder.writeJob(dovecot.tlsPort, {
    state: `./state-${auth}`,
    accounts: [{ id: 'alice', user: 'alice', auth, ...more }],
    sinks: [{ maildir: `./archive-${auth}/{account}` }],
    defaults: { security: 'tls', tls: { ca: dovecot.caPath } },
  });
  const loud = ['--verbose', '--log-level', 'trace', '--trace', 'wire.log'];
  return folder.run(['run', ...loud, job], { env: { MAIL_PASSWORD: token } });
}

function expectNoToken({ stdout, stderr }: Ended, token: string): void {
  const [, payload = '', signature = ''] = token.split('.');
  for (const text of [stdout, stderr, trace()]) {
    for (const form of [...secretForms('alice', token), payload, signature]) expect(text).not.toContain(form);
  }
}

describe.each(['xoauth2', 'oauthbearer'])('Q58: %s', (auth) => {
  it('archives with a good token, which shows nowhere', async () => {
    const token = issuer.token('alice');
    const ended = await run(auth, token);
    expect(ended.code).toBe(0);
    expect(trace()).toMatch(new RegExp(` C: AUTH ${auth.toUpperCase()}\n`));
    expect(trace()).toContain(' C: RETR 3');
    expectNoToken(ended, token);
  });

  it('takes the token from a program', async () => {
    const path = folder.write('token.txt', issuer.token('alice'));
    const { code } = await run(auth, '', { password: { command: ['cat', path] } });
    expect(code).toBe(0);
  });

  it.each<[string, () => string]>([
    ['expired', () => issuer.token('alice', { iat: 1, exp: 1_000 })],
    ['of another issuer', () => issuer.token('alice', { iss: 'https://other.test' })],
    ['for another user', () => issuer.token('bob')],
    ['torn', () => issuer.token('alice').slice(0, -20)],
  ])('a token that is %s is refused once, in words, and shows nowhere', async (_, make) => {
    const token = make();
    const ended = await run(auth, token);
    expect(ended.code).toBe(3);
    expect(ended.stdout + ended.stderr).toMatch(
      /access token has expired or is not valid \((401|invalid_token)/,
    );
    expect(ended.stdout + ended.stderr).toMatch(/give `password` a fresh access token/);
    expect(trace().match(/ C: AUTH/g)).toHaveLength(1);
    expectNoToken(ended, token);
  });
});

it('auto never takes a secret for a token', async () => {
  await run('auto', 'unused');
  expect(trace()).toContain(' C: AUTH PLAIN ****');
  expect(trace().match(/ C: AUTH/g)).toHaveLength(1);
});
