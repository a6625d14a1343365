/** The commands that only look: plan, status, probe; and a second run beside a running one. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { announced, silent } from '../../src/demo/misbehaviour.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';

const MANY = someMessages(600);
let folder: JobFolder;
let server: DemoServer;
let job: string;

beforeEach(async () => {
  folder = new JobFolder();
  server = await DemoServer.start({
    users: [
      { name: 'alice', password: PASSWORD, messages: MANY },
      { name: 'bob', password: PASSWORD, messages: someMessages(3) },
    ],
    security: ['starttls', 'tls'],
  });
  job = folder.writeJob(server.port, { accounts: ['alice', 'bob'] });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/**
 * Every file with its digest. Two are left out, which SQLite makes for a reader beside a ledger that nobody writes, and
 * which hold nothing.
 */
function contents(): Map<string, string> {
  const digest = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder.path, name)))
      .digest('hex');
  const files = folder.files().filter((name) => !/^state\/ledger\.db-(shm|wal)$/.test(name));
  return new Map(files.map((name) => [name, digest(name)]));
}

/** The verbs that the server was given, each once. */
function verbs(): Set<string> {
  return new Set(server.record.commands.map(({ verb }) => verb));
}

describe('plan', () => {
  it('says what a run would fetch, fetches nothing and creates no file', async () => {
    const { code, stdout, stderr } = await folder.run(['plan', job]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/\nalice +600 +0 +600 /);
    expect(stdout).toMatch(/\nbob +3 +0 +3 /);
    expect(stdout).toMatch(/\ntotal +603 +0 +603 /);
    expect(folder.files()).toEqual(['job.yaml']);
    for (const verb of ['RETR', 'DELE', 'RSET']) expect(verbs()).not.toContain(verb);
  });

  it('beside an archive knows what is new, and changes no octet of it', async () => {
    await folder.run(['run', '--quiet', job]);
    server.mailbox('bob').append(...someMessages(2, 'late'));
    const before = contents();
    const fetched = server.record.count('RETR');
    const { code, stdout } = await folder.run(['plan', '--json', job]);
    expect(code).toBe(0);
    expect(parseEvents(stdout)).toMatchObject([
      { event: 'account.planned', account: 'alice', listed: 600, archivedBefore: 600, wanted: [] },
      { account: 'bob', listed: 5, archivedBefore: 3, wanted: [{ number: 4 }, { number: 5 }] },
    ]);
    expect(server.record.count('RETR')).toBe(fetched);
    expect(contents()).toEqual(before);
  });

  it('with --verbose names each message, and with --account only some accounts', async () => {
    const { stdout } = await folder.run(['plan', '--verbose', '--account', 'b?b', job]);
    expect(stdout.match(/^bob +demo-0000000[123] /gm)).toHaveLength(3);
    expect(stdout).not.toContain('alice');
  });
});

describe('status', () => {
  it('of a job that never ran says so, with 0', async () => {
    const { code, stdout } = await folder.run(['status', job]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'test: never run, there is no ledger yet\n' });
    expect(folder.files()).toEqual(['job.yaml']);
  });

  it('gives the same facts as text and as JSON, asks no server and changes nothing', async () => {
    await folder.run(['run', '--quiet', job]);
    const before = contents();
    const { sessions } = server.record;
    const text = await folder.run(['status', job]);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/\nalice +600 .* done\n/);
    expect(text.stdout).toMatch(/\n +1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +done +2 +603 +603 +0 /);
    const json = await folder.run(['status', '--json', job]);
    expect(parseEvents(json.stdout)).toMatchObject([
      {
        job: 'test',
        accounts: [
          { account: 'alice', byState: { archived: 600, listed: 0 }, incomplete: 0 },
          { account: 'bob', byState: { archived: 3 } },
        ],
        runs: [{ outcome: 'done', accounts: 2, counts: { listed: 603, archivedNow: 603, failed: 0 } }],
        troubled: [],
      },
    ]);
    expect(contents()).toEqual(before);
    expect(server.record.sessions).toBe(sessions);
  });

  it('Q42, RFC-72: shows when an account may log in next, while that is to come', async () => {
    server.misbehaviour.on(announced('LOGIN-DELAY 600'));
    await folder.run(['run', '--quiet', '--account', 'bob', job]);
    const { stdout } = await folder.run(['status', job]);
    expect(stdout).toMatch(/ next login\n/);
    expect(stdout).toMatch(/\nbob +3 .* \d\d:\d\d:\d\d +done +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n/);
    const [state] = parseEvents((await folder.run(['status', '--json', job])).stdout);
    expect(state).toMatchObject({ accounts: [{ account: 'bob', nextLoginAt: expect.any(Number) }] });
    const again = await folder.run(['run', '--quiet', '--account', 'bob', job]);
    expect(again.code).toBe(5);
    expect(again.stderr).toMatch(/bob: left to the next run: .*its next login may be made at \d{4}-/);
  });

  it('finds ledgers in the folder by itself', async () => {
    folder.writeJob(server.port, { name: 'nightly', state: '.mailferry/nightly', accounts: ['bob'] });
    await folder.run(['run', '--quiet', job]);
    const { code, stdout } = await folder.run(['status']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^nightly: .*ledger\.db\n/);
    expect(stdout).toMatch(/\nbob +3 /);
  });
});

describe('beside a running job', () => {
  it('status shows where it stands; a second run is refused with 5 and says why, and the first goes on', async () => {
    server.misbehaviour.on(silent({ verb: 'RETR', message: 500 }));
    const running = folder.start(['run', '--json', job]);
    await running.prints('stdout', '"message.archived"');
    const status = await folder.run(['status', '--json', job]);
    const [state] = parseEvents(status.stdout);
    expect(status.code).toBe(0);
    expect(state).toMatchObject({ runs: [{ finishedAt: null }] });
    expect(JSON.stringify(state)).toMatch(/"archived":[1-9]/);

    const second = await folder.run(['run', '--quiet', job]);
    expect({ code: second.code, stdout: second.stdout }).toEqual({ code: 5, stdout: '' });
    expect(second.stderr).toMatch(new RegExp(`already runs|already running|is running.*${running.pid}`));

    running.kill('SIGINT');
    await running.prints('stderr', 'SIGINT: finishing');
    running.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
    expect(await folder.run(['status', job])).toMatchObject({ code: 0 });
  });
});

describe('probe', () => {
  it('of a URL shows greeting and capabilities without logging in', async () => {
    const { code, stdout, stderr } = await folder.run(['probe', `pop://127.0.0.1:${server.port}`]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/greeting +mailferry demo server ready/);
    expect(stdout).toMatch(/TLS +none/);
    expect(stdout).toMatch(/capabilities +.*STLS/);
    expect(stdout).toMatch(/\n {4}mind +encryption +STLS is offered and works\n +set `security: starttls`/);
    expect(stdout).toMatch(/\n {4}good +tls-versions +accepted: 1\.2, 1\.3\n/);
    expect(stdout).toMatch(/\n {4}mind +clear-text-login +offered before TLS: PLAIN, USER-PASS\n/);
    expect(stdout).toMatch(/\n {4}mind +apop /);
    for (const verb of ['USER', 'PASS', 'AUTH', 'APOP', 'STAT', 'RETR']) expect(verbs()).not.toContain(verb);
    expect(server.record.transcript().slice(0, 2)).toEqual(['CAPA', 'QUIT']);
  });

  it('of a server whose certificate nobody knows judges what it sees, ends with 3 and says what to do', async () => {
    for (const args of [
      [`pops://127.0.0.1:${server.tlsPort}`],
      ['--security', 'starttls', `pop://127.0.0.1:${server.port}`],
    ]) {
      const { code, stdout, stderr } = await folder.run(['probe', ...args]);
      expect(code).toBe(3);
      expect(stdout).not.toContain('greeting');
      expect(stdout).toMatch(
        /bad +certificate .* issuer that is not known here\n.*pin it: sha256:[0-9a-f]{64}\n/,
      );
      expect(stderr).toMatch(/certificate/);
      expect(stderr).toMatch(/what to do: .*(ca|fingerprint)/);
    }
  });

  it('of an account logs in, counts, shows the certificate, and fetches nothing', async () => {
    const ca = folder.write('ca.pem', server.authorityPem);
    const secured = folder.writeJob(server.tlsPort, {
      accounts: ['alice', 'bob'],
      defaults: { security: 'tls', tls: { ca } },
    });
    const { code, stdout } = await folder.run(['probe', '--account', 'bob', secured]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^bob\n/);
    expect(stdout).toMatch(/TLS +TLSv1\.3/);
    expect(stdout).toMatch(/fingerprint +sha256:[0-9a-f:]+/i);
    expect(stdout).toMatch(/messages +3, /);
    expect(stdout).toMatch(/unique-ids +yes/);
    for (const verb of ['RETR', 'TOP', 'DELE']) expect(verbs()).not.toContain(verb);

    const json = await folder.run(['probe', '--json', '--account', '*', secured]);
    expect(parseEvents(json.stdout)).toMatchObject([
      { target: 'alice', inside: { messages: 600, hasUidl: true }, provider: null },
      {
        target: 'bob',
        inside: { messages: 3 },
        security: {
          judgements: expect.arrayContaining([
            { about: 'certificate-key', grade: 'good', finding: 'ec, 256 bits', advice: 'nothing to do' },
          ]),
          tls: { versions: { 'TLSv1.1': 'refused', 'TLSv1.3': 'accepted' } },
        },
      },
    ]);
  });

  it('of a job looks at each of its servers once, by one session and a handshake for each version', async () => {
    const { code, stdout } = await folder.run(['probe', job]);
    expect(code).toBe(0);
    expect(stdout.match(/greeting/g)).toHaveLength(1);
    expect(server.record.count('CAPA')).toBe(1);
    expect(server.record.sessions).toBe(1 + 4);
  });
});
