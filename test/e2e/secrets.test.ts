/** A password shows nowhere: not in the trace, not in any output, in no form that it takes on the wire (promise 14). */
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { platform } from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { loginRefused } from '../../src/demo/misbehaviour.ts';
import type { LoginMethod } from '../../src/demo/offer.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import type { Ended } from '../support/mailferry.ts';
import { secretForms } from '../support/secret-forms.ts';

/** What takes a password's place with OAuth: without blanks. */
const TOKEN = 'ya29.a0-lantern_41~+/==';

let folder: JobFolder;
let server: DemoServer | undefined;

beforeEach(() => {
  folder = new JobFolder();
});

afterEach(async () => {
  await server?.close();
  server = undefined;
  await folder[Symbol.asyncDispose]();
});

async function start(logins: readonly LoginMethod[], password = PASSWORD): Promise<DemoServer> {
  server = await DemoServer.start({
    users: [{ name: 'alice', password, messages: someMessages(3) }],
    logins,
  });
  return server;
}

function expectNoSecret({ stdout, stderr }: Ended, ...more: readonly string[]): void {
  for (const text of [stdout, stderr, ...more]) {
    for (const secret of [PASSWORD, TOKEN]) {
      for (const form of secretForms('alice', secret)) expect(text).not.toContain(form);
    }
  }
}

const xoauth2 = Buffer.from(`user=alice\x01auth=Bearer ${TOKEN}\x01\x01`).toString('base64');

const trace = (): string => readFileSync(join(folder.path, 'wire.log'), 'latin1');
const LOUD = ['--verbose', '--log-level', 'trace', '--trace', 'wire.log'];

describe.each([
  ['user-pass', 'user-pass', 'PASS', PASSWORD],
  ['plain', 'plain', 'AUTH PLAIN', PASSWORD],
  ['apop', 'apop', 'APOP', PASSWORD],
  ['auto', 'plain', 'AUTH PLAIN', PASSWORD],
  ['xoauth2', 'xoauth2', 'AUTH XOAUTH2', TOKEN],
] as const)('with auth: %s', (auth, login, verb, secret) => {
  const run = (args: readonly string[]) => folder.run(args, { env: { MAIL_PASSWORD: secret } });

  it('the trace shows the whole conversation but the secret, and only its owner may read it', async () => {
    const { port } = await start([login], secret);
    const job = folder.writeJob(port, { accounts: [{ id: 'alice', user: 'alice', auth }] });
    const ended = await run(['run', ...LOUD, job]);
    expect(ended.code).toBe(0);
    expect(trace()).toContain(` C: ${verb}`);
    expect(trace()).toContain('****');
    expect(trace()).toContain(' C: RETR 3');
    expect(trace()).toContain(' S: +OK');
    expect(trace()).not.toContain('body of message');
    expectNoSecret(ended, trace());
    expect(statSync(join(folder.path, 'wire.log')).mode & 0o777).toBe(0o600);
  });

  it('a refused login shows it in no report: run, plan, probe or status, as text or JSON', async () => {
    const demo = await start([login], secret);
    const job = folder.writeJob(demo.port, { accounts: [{ id: 'alice', user: 'alice', auth }] });
    demo.misbehaviour.on(loginRefused('-ERR [AUTH] no'));
    const refused = await run(['run', ...LOUD, job]);
    expect(refused.code).toBe(3);
    const json = await run(['run', '--json', '--trace', 'wire.log', job]);
    const plan = await run(['plan', ...LOUD, job]);
    const probe = await run(['probe', ...LOUD, '--account', 'alice', job]);
    const status = await run(['status', '--json', job]);
    for (const ended of [refused, json, plan, probe, status]) expectNoSecret(ended, trace());
  });

  it.each([
    ['an error', '-ERR [AUTH] no, '],
    ['what is no answer at all', 'command unknown: '],
    ['a greeting of joy', '+OK welcome, '],
  ])('nor does a server that says the secret back in %s', async (_, line) => {
    const demo = await start([login], secret);
    const job = folder.writeJob(demo.port, { accounts: [{ id: 'alice', user: 'alice', auth }] });
    const blob = Buffer.from(`\0alice\0${PASSWORD}`).toString('base64');
    const echoes = { plain: [`AUTH PLAIN ${blob}`], xoauth2: [xoauth2], 'user-pass': [], apop: [] }[login];
    demo.misbehaviour.on(loginRefused(line + [...echoes, secret].join(' ')));
    const ended = await run(['run', ...LOUD, job]);
    expect(ended.code).not.toBe(0);
    const status = await run(['status', '--json', job]);
    for (const each of [ended, status]) expectNoSecret(each, trace());
  });
});

it('no file of a job holds the secret, the ledger included', async () => {
  const { port } = await start(['plain']);
  const job = folder.writeJob(port, { accounts: ['alice'] });
  expect(await folder.run(['run', ...LOUD, job])).toMatchObject({ code: 0 });
  for (const name of folder.files()) {
    const text = readFileSync(join(folder.path, name), 'latin1');
    for (const form of secretForms('alice', PASSWORD)) expect(text, name).not.toContain(form);
  }
});

it.skipIf(platform !== 'linux')('the process shows no secret in its title or arguments', async () => {
  const { port } = await start(['plain']);
  const job = folder.writeJob(port, { accounts: ['alice'] });
  const running = folder.start(['run', '--json', job]);
  await running.prints('stdout', 'run.started');
  const commandLine = readFileSync(`/proc/${running.pid}/cmdline`, 'latin1');
  expect(commandLine).toContain('job.yaml');
  expect(commandLine).not.toContain(PASSWORD);
  expect((await running.ended).code).toBe(0);
});

it.skipIf(platform === 'win32')(
  'every file with a secret that others may read is warned of, by its name',
  async () => {
    const { port } = await start(['plain']);
    const names = ['password', 'proxy', 'client', 'refresh', 'passphrase', 'store', 'key'];
    for (const name of names) {
      folder.write(`${name}.txt`, `${name}-of-the-tide\n`);
      chmodSync(join(folder.path, `${name}.txt`), 0o644);
    }
    const file = (name: string) => ({ file: `./${name}.txt` });
    const oauth = {
      ...{ tokenEndpoint: 'http://127.0.0.1:1/token', clientId: 'mailferry' },
      ...{ clientSecret: file('client'), refreshToken: file('refresh'), store: './store.txt' },
    };
    const tls = { pfx: './key.txt', passphrase: file('passphrase') };
    const accounts = [
      { id: 'alice', user: 'alice', password: file('password') },
      { id: 'bob', user: 'bob', password: { oauth }, proxy: 'none' },
      {
        ...{ id: 'carol', user: 'carol', security: 'starttls', password: file('password'), tls },
        proxy: { url: 'http://127.0.0.1:1', user: 'carol', password: file('proxy') },
      },
    ];
    const { stderr } = await folder.run(['run', '-v', folder.writeJob(port, { accounts })]);
    // The store goes before the refresh token that the job names.
    for (const name of names.filter((each) => each !== 'refresh')) {
      expect(stderr).toMatch(new RegExp(`${name}\\.txt" has mode 0644, so other users may read it`));
    }
    expect(stderr).not.toContain('of-the-tide');
  },
);
