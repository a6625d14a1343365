/** Stopped once, stopped twice, killed at any instant: the next run goes on, and in the end each sink holds each message once. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { inUse, silent, slowFirstOctet } from '../../src/demo/misbehaviour.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import type { RunningMailferry } from '../support/mailferry.ts';
import { seededRandom } from '../support/random.ts';

/** More than a few batches. */
const MANY = someMessages(1200);
let folder: JobFolder;
let server: DemoServer;
let job: string;

beforeEach(async () => {
  folder = new JobFolder();
  server = await DemoServer.start({
    users: [
      { name: 'alice', password: PASSWORD, messages: MANY },
      { name: 'bob', password: PASSWORD },
    ],
  });
  job = folder.writeJob(server.port, { accounts: ['alice'] });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** Larger than what passes through memory. */
function largeOf(number: number): Buffer {
  return Buffer.from(`Subject: large ${number}\r\n\r\n${'From the sea\r\n'.repeat(170_000)}`);
}

function expectAllOnce(account: string, messages: readonly Buffer[]): void {
  const expected = storedDigests(messages);
  expect(folder.archived(account)).toEqual({ maildir: expected, mbox: expected });
}

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  it('once: what is in flight is archived, the session ends with QUIT, nothing is fetched a second time', async () => {
    server.misbehaviour.on(slowFirstOctet({ verb: 'RETR', skip: 600 }, 10));
    const running = folder.start(['run', '--json', job]);
    await running.prints('stdout', '"message.archived"');
    running.kill(signal);
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toContain(`${signal}: finishing what is in flight; once more to drop it`);
    expect(server.record.transcript().at(-1)).toBe('QUIT');
    const fetched = server.record.count('RETR');
    expect(fetched).toBeLessThan(MANY.length);
    expect(folder.archived('alice').maildir).toHaveLength(fetched);
    expect(folder.archived('alice').mbox).toEqual(folder.archived('alice').maildir);

    server.misbehaviour.allOff();
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    expect(server.record.count('RETR')).toBe(MANY.length);
    expectAllOnce('alice', MANY);
  });

  it('Q41: ends a wait for a locked maildrop at once, and the next run goes on', async () => {
    const stop = server.misbehaviour.on(inUse());
    job = folder.writeJob(server.port, { accounts: ['alice'], limits: { patience: '23h' } });
    const running = folder.start(['run', '--json', job]);
    await running.prints('stdout', '"account.waiting"');
    running.kill(signal);
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(stdout).toContain('"code":"interrupted"');

    stop();
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    expectAllOnce('alice', MANY);
  });

  it('twice: the connection is dropped without QUIT, and the next run goes on', async () => {
    server.misbehaviour.on(silent({ verb: 'RETR', message: 900 }));
    const running = folder.start(['run', '--json', job]);
    await running.prints('stdout', '"message.archived"');
    running.kill(signal);
    await running.prints('stderr', `${signal}: finishing`);
    running.kill(signal);
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toContain(`${signal} again: dropping every connection`);
    expect(server.record.count('QUIT')).toBe(0);

    server.misbehaviour.allOff();
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    expectAllOnce('alice', MANY);
  });
});

describe('kill -9', () => {
  const ROUNDS = 8;
  const random = seededRandom('kill -9');

  /** Mail of all sizes: what passes through memory and what passes through the spool. */
  const mail = (round: number): Buffer[] => [
    ...someMessages(50 + random(150), `round ${round}`),
    Buffer.from(`Subject: bare ${round}\r\n\r\none\nFrom two\r\n`),
    ...(round % 5 === 1 ? [largeOf(round)] : []),
  ];

  /** Kills when the server is given its n-th command from now on, or a little later. */
  function killAtCommand(running: RunningMailferry, commands: number, laterMs: number): void {
    let left = commands;
    const strikes = (): boolean => {
      left -= 1;
      // Random points in time are what this test is about; whichever is met, the outcome must be the same.
      if (left === 0) setTimeout(() => running.kill('SIGKILL'), laterMs);
      return false;
    };
    server.misbehaviour.on({ name: 'kills the client', strikes });
  }

  it(`at ${ROUNDS} random points, mail arriving in between: no message is lost, none is there twice`, async () => {
    job = folder.writeJob(server.port, { accounts: ['alice', 'bob'], limits: { patience: '30s' } });
    const arrived = { alice: [...MANY], bob: [] as Buffer[] };
    let kills = 0;
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const name of ['alice', 'bob'] as const) {
        const news = mail(round);
        arrived[name].push(...news);
        server.mailbox(name).append(...news);
      }
      const running = folder.start(['run', '--quiet', job]);
      killAtCommand(running, 1 + random(600), random(80));
      const { signal } = await running.ended;
      kills += signal === 'SIGKILL' ? 1 : 0;
      server.misbehaviour.allOff();
    }
    expect(kills).toBeGreaterThan(ROUNDS / 3);
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    expectAllOnce('alice', arrived.alice);
    expectAllOnce('bob', arrived.bob);

    const fetched = server.record.count('RETR');
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    expect(server.record.count('RETR')).toBe(fetched);
    expect(folder.files().filter((file) => file.startsWith('state/spool/'))).toEqual([]);
  }, 120_000);
});
