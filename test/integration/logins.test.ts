/** Every way to log in against Dovecot on every kind of line, with everything on that might show a secret. All servers: login-matrix.test.ts. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCourier } from '../services/courier.ts';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder } from '../support/job-folder.ts';
import { secretForms } from '../support/secret-forms.ts';
import { enclosed } from './support/real-servers.ts';

const PASSWORD = 'tide-41, "lantern"=x';
const MECHANISMS = ['scram-sha-256', 'scram-sha-1', 'cram-md5', 'plain', 'login', 'apop', 'user-pass'];
const LOUD = ['--verbose', '--log-level', 'trace', '--trace', 'wire.log'];

const folder = new JobFolder();
let dovecot: Dovecot;

beforeAll(async () => {
  dovecot = await startDovecot({
    users: [{ name: 'alice', password: PASSWORD }],
    mechanisms: ['plain', 'login', 'apop', 'cram-md5', 'scram-sha-1', 'scram-sha-256'],
  });
  dovecot.deliver('alice', someMessages(3));
});

afterAll(async () => {
  await dovecot.stop();
  await folder[Symbol.asyncDispose]();
});

type Security = 'tls' | 'starttls' | 'plaintext';

function writeJob(auth: string, security: Security): string {
  const port = security === 'tls' ? dovecot.tlsPort : dovecot.port;
  const tls = security === 'plaintext' ? {} : { tls: { ca: dovecot.caPath } };
  const name = `${auth}-${security}`;
  return folder.writeJob(port, {
    name,
    state: `./state-${name}`,
    accounts: [{ id: 'alice', user: 'alice', auth }],
    sinks: [{ maildir: `./archive-${name}/{account}` }],
    defaults: { security, ...tls },
  });
}

beforeEach(() => rmSync(join(folder.path, 'wire.log'), { force: true }));

const trace = (): string => readFileSync(join(folder.path, 'wire.log'), 'latin1');

describe.each<Security>(['tls', 'starttls', 'plaintext'])('over %s', (security) => {
  it.each([...MECHANISMS, 'auto'])(
    'auth: %s archives with the right secret and shows it nowhere',
    async (auth) => {
      const job = writeJob(auth, security);
      const { code, stdout, stderr } = await folder.run(['run', ...LOUD, job], {
        env: { MAIL_PASSWORD: PASSWORD },
      });
      expect({ code, stderr: stderr.includes('refused') }).toEqual({ code: 0, stderr: false });
      const verb = { 'user-pass': 'PASS', apop: 'APOP', auto: 'AUTH SCRAM-SHA-256' }[auth];
      expect(trace()).toContain(` C: ${verb ?? `AUTH ${auth.toUpperCase()}`}`);
      expect(trace()).toContain(' C: RETR 3');
      for (const text of [stdout, stderr, trace()]) {
        for (const form of secretForms('alice', PASSWORD)) expect(text).not.toContain(form);
      }
    },
  );
});

it('RFC-42: auto with a wrong secret tries one mechanism and no other', async () => {
  const { code } = await folder.run(['run', '--quiet', '--trace', 'wire.log', writeJob('auto', 'tls')], {
    env: { MAIL_PASSWORD: 'wrong' },
  });
  expect(code).toBe(3);
  expect(trace().match(/ C: (AUTH .*|PASS|APOP|USER)/g)).toEqual([' C: AUTH SCRAM-SHA-256 ****']);
});

it('a password whose form in Unicode differs from the one that is stored is the same to SCRAM', async () => {
  const accented = await startDovecot({
    users: [{ name: 'bob', password: 'k\u00e9y' }],
    mechanisms: ['scram-sha-256'],
  });
  try {
    const job = folder.writeJob(accented.port, {
      accounts: [{ id: 'bob', user: 'bob', auth: 'scram-sha-256' }],
    });
    const { code } = await folder.run(['plan', job], { env: { MAIL_PASSWORD: 'ke\u0301y' } });
    expect(code).toBe(0);
  } finally {
    await accented.stop();
  }
});

enclosed('courier').describe('Courier, which announces UTF8 USER', () => {
  it('RFC-43: gets names and passwords that are not ASCII composed, and otherwise as they are', async () => {
    const server = await startCourier([{ name: 'j\u00f6rg', password: 'k\u00e9y \u00bd' }]);
    try {
      await server.deliver('j\u00f6rg', someMessages(3));
      const accounts = [{ id: 'joerg', user: 'jo\u0308rg', auth: 'user-pass' }];
      const job = folder.writeJob(server.port, { name: 'utf8', state: './state-utf8', accounts });
      const env = { MAIL_PASSWORD: 'ke\u0301y \u00bd' };
      const { code, stdout, stderr } = await folder.run(['run', ...LOUD, job], { env });
      expect(code).toBe(0);
      expect(folder.archived('joerg').maildir).toHaveLength(3);
      expect(trace()).toContain(' C: USER j\\xf6rg');
      for (const text of [stdout, stderr, trace()]) {
        for (const form of [
          ...secretForms('joerg', env.MAIL_PASSWORD),
          ...secretForms('joerg', 'k\u00e9y \u00bd'),
        ])
          expect(text).not.toContain(form);
      }
    } finally {
      await server.stop();
    }
  });
});

it('an administrator archives the maildrops of others by authorizationId, each its own', async () => {
  const users = [
    { name: 'alice', password: 'unused' },
    { name: 'bob', password: 'unused' },
  ];
  const masters = join(folder.path, 'masters');
  writeFileSync(masters, `admin:{PLAIN}${PASSWORD}\n`);
  chmodSync(folder.path, 0o755);
  const settings = `passdb {\n  driver = passwd-file\n  master = yes\n  pass = yes\n  args = scheme=PLAIN ${masters}\n}\n`;
  const server = await startDovecot({ users, mechanisms: ['plain', 'scram-sha-256'], settings });
  try {
    for (const { name } of users) server.deliver(name, someMessages(2, name));
    const accounts = users.map(({ name }) => ({
      id: name,
      user: 'admin',
      authorizationId: name,
      auth: 'plain',
    }));
    const job = folder.writeJob(server.port, { name: 'master', state: './state-master', accounts });
    const ended = await folder.run(['run', '--quiet', job], { env: { MAIL_PASSWORD: PASSWORD } });
    expect(ended).toMatchObject({ code: 0 });
    for (const { name } of users) {
      const mbox = readFileSync(folder.mbox(name), 'latin1');
      expect(mbox.match(/^Subject: \w+/gm)).toEqual(Array(2).fill(`Subject: ${name}`));
    }
  } finally {
    await server.stop();
  }
});
