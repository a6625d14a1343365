/** Logins by client certificate against Dovecot: in every form that a key comes in, for the right user and a wrong one. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ClientCertificates, makeClientCertificate } from '../services/certificates.ts';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder } from '../support/job-folder.ts';
import type { Ended } from '../support/mailferry.ts';
import { secretForms } from '../support/secret-forms.ts';

const PASSPHRASE = 'oar & anchor 7';
const folder = new JobFolder();
const keyFolder = mkdtempSync(join(tmpdir(), 'mailferry-keys-'));
let dovecot: Dovecot;
let alice: ClientCertificates;
let bob: ClientCertificates;

beforeAll(async () => {
  alice = await makeClientCertificate(keyFolder, 'alice', PASSPHRASE);
  mkdirSync(join(keyFolder, 'bob'));
  bob = await makeClientCertificate(join(keyFolder, 'bob'), 'bob', PASSPHRASE);
  const authorities = [alice, bob].map(({ caPath }) => readFileSync(caPath, 'utf8'));
  const caPath = join(keyFolder, 'authorities.pem');
  writeFileSync(caPath, authorities.join(''));
  dovecot = await startDovecot({
    users: [{ name: 'unused', password: 'unused' }],
    mechanisms: ['plain', 'external'],
    settings: [
      `ssl_ca = <${caPath}`,
      'ssl_verify_client_cert = yes',
      'ssl_require_crl = no',
      'auth_ssl_username_from_cert = yes',
      'passdb {\n  driver = static\n  mechanisms = external\n  args = nopassword=y\n}\n',
    ].join('\n'),
  });
  for (const name of ['alice', 'bob']) dovecot.deliver(name, someMessages(3, name));
});

afterAll(async () => {
  await dovecot.stop();
  await folder[Symbol.asyncDispose]();
  rmSync(keyFolder, { recursive: true });
});

beforeEach(() => rmSync(join(folder.path, 'wire.log'), { force: true }));

const trace = (): string => readFileSync(join(folder.path, 'wire.log'), 'latin1');
const KEY_PASSPHRASE = { env: 'KEY_PASSPHRASE' };

/** Runs a job of one account. An account without `password` has none at all. */
function run(name: string, account: object, tls: object, security = 'tls'): Promise<Ended> {
  const port = security === 'tls' ? dovecot.tlsPort : dovecot.port;
  const text = {
    name,
    state: `./state-${name}`,
    accounts: [
      { id: 'account', host: '127.0.0.1', port, security, ...account, tls: { ca: dovecot.caPath, ...tls } },
    ],
    sinks: [{ maildir: `./archive-${name}` }],
  };
  const job = folder.write(`${name}.json`, JSON.stringify(text));
  const loud = ['--verbose', '--log-level', 'trace', '--trace', 'wire.log'];
  return folder.run(['run', ...loud, job], { env: { KEY_PASSPHRASE: PASSPHRASE } });
}

const external = { user: 'alice', auth: 'external' };

describe('auth: external', () => {
  it.each<[string, () => object]>([
    ['cert-and-key', () => ({ cert: alice.certificatePath, key: alice.keyPath })],
    [
      'locked-key',
      () => ({ cert: alice.certificatePath, key: alice.lockedKeyPath, passphrase: KEY_PASSPHRASE }),
    ],
    ['pfx', () => ({ pfx: alice.pfxPath, passphrase: KEY_PASSPHRASE })],
  ])(
    'with %s logs in without a password, over TLS and by STLS, and shows nothing of the key',
    async (name, tls) => {
      for (const security of ['tls', 'starttls']) {
        const ended = await run(`${name}-${security}`, external, tls(), security);
        expect(ended.code).toBe(0);
        expect(trace()).toContain(' C: RETR 3');
        const key = readFileSync(alice.keyPath, 'latin1').split('\n').slice(1, -2);
        for (const text of [ended.stdout, ended.stderr, trace()]) {
          for (const form of [...secretForms('alice', PASSPHRASE), ...key]) expect(text).not.toContain(form);
        }
      }
    },
  );

  it('does not open the maildrop of somebody else', async () => {
    const tls = { cert: alice.certificatePath, key: alice.keyPath };
    const ended = await run('bob', { ...external, user: 'bob' }, tls);
    expect(ended.code).toBe(3);
    expect(ended.stdout + ended.stderr).toMatch(/see that the server takes the certificate of `tls.cert`/);
    expect(trace()).not.toContain(' C: RETR');
  });

  it.each<[string, () => object, RegExp]>([
    [
      'wrong-passphrase',
      () => ({ pfx: alice.pfxPath, passphrase: { command: ['echo', 'wrong'] } }),
      /alice\.p12.* cannot be used/,
    ],
    ['no-passphrase', () => ({ cert: alice.certificatePath, key: alice.lockedKeyPath }), /cannot be used/],
    [
      'other-key',
      () => ({ cert: alice.certificatePath, key: join(keyFolder, 'client-ca.key') }),
      /cannot be used/,
    ],
    ['no-file', () => ({ pfx: join(keyFolder, 'nobody.p12') }), /nobody\.p12/],
  ])('%s is told before anything is connected', async (name, tls, text) => {
    const { code, stderr } = await run(name, external, tls());
    expect(code).toBe(2);
    expect(stderr).toMatch(text);
    expect(trace()).toBe('');
  });
});

it('accounts of one server each show their own certificate, whatever was shown on the connection before', async () => {
  const [first, second] = [alice, bob].map(({ certificatePath, keyPath }) => ({
    tls: { ca: dovecot.caPath, cert: certificatePath, key: keyPath },
  }));
  const defaults = { host: '127.0.0.1', port: dovecot.tlsPort, auth: 'external' };
  const accounts = [
    { id: 'alice', user: 'alice', ...first },
    { id: 'bob', user: 'bob', ...second },
    { id: 'alice-again', user: 'alice', ...first },
  ];
  const sinks = [{ mbox: './mbox/{account}.mbox' }];
  const text = { name: 'both', state: './state-both', defaults, accounts, sinks, limits: { perHost: 1 } };
  const job = folder.write('both.json', JSON.stringify(text));
  expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0 });
  for (const { id, user } of accounts) {
    const mbox = readFileSync(folder.mbox(id), 'latin1');
    expect(mbox.match(/^Subject: \w+/gm)).toEqual(Array(3).fill(`Subject: ${user}`));
  }
});

it('auto shows the certificate and logs in by it, before any password', async () => {
  const tls = { cert: alice.certificatePath, key: alice.keyPath };
  const { code } = await run('auto', { user: 'alice', password: { env: 'KEY_PASSPHRASE' } }, tls);
  expect(code).toBe(0);
  expect(trace().match(/ C: AUTH.*/g)).toEqual([' C: AUTH EXTERNAL ****']);
});
