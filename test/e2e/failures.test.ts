/** One bad message, password or host among good ones: the rest is archived, each failure is named, in words and as JSON. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { refused, sysTemp } from '../../src/demo/misbehaviour.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';

const GOOD = someMessages(5, 'good');
const ALICES = someMessages(3, 'alice');
let folder: JobFolder;
let server: DemoServer;
let job: string;

beforeEach(async () => {
  folder = new JobFolder();
  server = await DemoServer.start({
    users: [
      { name: 'alice', password: PASSWORD, messages: ALICES },
      { name: 'bob', password: PASSWORD, messages: GOOD },
      { name: 'mallory', password: 'another one', messages: GOOD },
    ],
    misbehaviour: [refused({ verb: 'RETR', message: 2, user: 'alice' }, '-ERR cannot convert this message')],
  });
  const unreachable = { id: 'far', user: 'far', port: await closedPort() };
  const accounts = ['alice', 'bob', 'mallory', unreachable];
  job = folder.writeJob(server.port, { accounts, limits: { patience: '300ms' } });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** A port that nobody listens on: it was another server's a moment ago. */
async function closedPort(): Promise<number> {
  const gone = await DemoServer.start({ users: [] });
  const { port } = gone;
  await gone.close();
  return port;
}

describe('a run with a wrong password, an unreachable host and a refused message', () => {
  it('archives everything else, ends with 3 and names each failure with its reason', async () => {
    const { code, stdout } = await folder.run(['run', job]);
    expect(code).toBe(3);
    const all = storedDigests(GOOD);
    const withoutSecond = storedDigests(ALICES.filter((_, index) => index !== 1));
    expect(folder.archived('bob')).toEqual({ maildir: all, mbox: all });
    expect(folder.archived('alice')).toEqual({ maildir: withoutSecond, mbox: withoutSecond });
    expect(folder.archived('mallory')).toEqual({ maildir: [], mbox: [] });
    const report = stdout.slice(stdout.indexOf('What failed'));
    expect(report).toMatch(
      /far: connecting to 127\.0\.0\.1:\d+ failed: .*ECONNREFUSED.*\[connection-unreachable\]/,
    );
    expect(report).toMatch(/mallory: the user name or the password is wrong.*\[login-refused\]\n +-> check/);
    expect(report).toMatch(/alice: message "demo-00000002": .*RETR 2.*"cannot convert this message"/);
    expect(report).not.toContain('bob');
  });

  it('with --quiet prints the failures and nothing else', async () => {
    const { code, stdout, stderr } = await folder.run(['run', '--quiet', job]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    const lines = stderr.trimEnd().split('\n').sort();
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^error: alice: .*1 message failed of 3 listed/);
    expect(lines[1]).toMatch(/^error: mallory: failed: the user name or the password is wrong/);
    expect(lines[2]).toMatch(
      /^warning: alice: message "demo-00000002" failed: .*cannot convert this message/,
    );
    expect(lines[3]).toMatch(/^warning: far: left to the next run: connecting to .*ECONNREFUSED/);
  });

  it('with --json tells the same on stdout, one object a line', async () => {
    const { code, stdout } = await folder.run(['run', '--json', job]);
    expect(code).toBe(3);
    const events = parseEvents(stdout);
    const finished = events.filter(({ event }) => event === 'account.finished');
    expect(finished).toHaveLength(4);
    expect(finished).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          account: 'far',
          outcome: 'waiting',
          failure: { code: 'connection-unreachable', text: expect.stringContaining('ECONNREFUSED') },
        }),
        expect.objectContaining({
          account: 'mallory',
          outcome: 'failed',
          failure: { code: 'login-refused', text: expect.stringContaining('password is wrong') },
        }),
        expect.objectContaining({
          account: 'alice',
          outcome: 'failed',
          counts: expect.objectContaining({ listed: 3, archivedNow: 2, failed: 1, unreached: 0 }),
        }),
        expect.objectContaining({ account: 'bob', outcome: 'done', failure: null }),
      ]),
    );
    expect(events.filter(({ event }) => event === 'message.failed')).toEqual([
      expect.objectContaining({
        account: 'alice',
        uidl: 'demo-00000002',
        failure: { code: 'pop3-refused', text: expect.stringContaining('cannot convert this message') },
      }),
    ]);
    expect(events.at(-1)).toMatchObject({
      event: 'run.finished',
      outcome: 'failed',
      counts: { listed: 8, archivedNow: 7, failed: 1 },
    });
  });

  it('shows in `status` afterwards, which names the message and why', async () => {
    await folder.run(['run', '--quiet', job]);
    const { code, stdout } = await folder.run(['status', job]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/alice +demo-00000002 +listed +1 +the server refused RETR 2.*cannot convert/);
  });

  it('fetches in the next run what failed, once it can be had, and nothing else', async () => {
    await folder.run(['run', '--quiet', job]);
    server.misbehaviour.allOff();
    const before = server.record.count('RETR');
    const { code } = await folder.run(['run', '--quiet', '--account', 'alice', '--account', 'b*', job]);
    expect(code).toBe(0);
    expect(server.record.count('RETR') - before).toBe(1);
    const all = storedDigests(ALICES);
    expect(folder.archived('alice')).toEqual({ maildir: all, mbox: all });
  });
});

describe('what will pass by itself', () => {
  it('ends with 5 where nothing worse happened', async () => {
    const { code, stderr } = await folder.run([
      'run',
      '--quiet',
      '--account',
      'far',
      '--account',
      'bob',
      job,
    ]);
    expect(code).toBe(5);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('is also a server that says [SYS/TEMP]', async () => {
    server.misbehaviour.on(sysTemp());
    const { code, stderr } = await folder.run(['run', '--quiet', '--account', 'bob', job]);
    expect(code).toBe(5);
    expect(stderr).toContain('try again later');
  });
});

it('a quiet night is silent: with --quiet a run without failures prints nothing', async () => {
  for (const news of ['everything', 'nothing']) {
    const { code, stdout, stderr } = await folder.run(['run', '--quiet', '--account', 'bob', job]);
    expect({ news, code, stdout, stderr }).toEqual({ news, code: 0, stdout: '', stderr: '' });
  }
  expect(server.record.count('RETR')).toBe(GOOD.length);
});

it('several jobs run one after the other, and the worst exit code is told', async () => {
  const good = folder.writeJob(
    server.port,
    { name: 'good', state: './good', accounts: ['bob'], sinks: [{ maildir: './good-mail' }] },
    'good.yaml',
  );
  const { code, stdout } = await folder.run(['run', '--json', job, good]);
  expect(code).toBe(3);
  const runs = parseEvents(stdout).filter(({ event }) => event === 'run.finished');
  expect(runs.map(({ job: name, outcome }) => [name, outcome])).toEqual([
    ['test', 'failed'],
    ['good', 'done'],
  ]);
});
