/** Many messages and many accounts against a real server: what a quiet night costs, and that nothing is lost in the crowd. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { storedDigests } from '../support/archives.ts';
import { tellFigure } from '../support/figures.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';
import type { Ended } from '../support/mailferry.ts';
import { requireProgram } from '../support/programs.ts';

const MEGABYTE = 1_000_000;

requireProgram('dovecot', 'openssl').describe('at scale', () => {
  let folder: JobFolder;
  let dovecot: Dovecot | undefined;

  beforeEach(() => {
    folder = new JobFolder();
  });

  afterEach(async () => {
    await dovecot?.stop();
    dovecot = undefined;
    await folder[Symbol.asyncDispose]();
  });

  /** Runs with --json and tells how long it took and how much memory; the machine may be busy, so only the log judges time. */
  async function timed(what: string, job: string, deadlineMs: number): Promise<Ended> {
    const startedAt = performance.now();
    const ended = await folder.run(['run', '--json', job], { measuresPeak: true, deadlineMs });
    const seconds = (performance.now() - startedAt) / 1000;
    const peak = (ended.peakOctets ?? Number.NaN) / MEGABYTE;
    tellFigure(`${what}: ${seconds.toFixed(2)} s, at most ${peak.toFixed(0)} MB`);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    return ended;
  }

  const countsOf = ({ stdout }: Ended): unknown => parseEvents(stdout).at(-1)?.['counts'];

  it('100,000 known messages are listed and none is fetched, in little time and little memory', async () => {
    const count = 100_000;
    dovecot = await startDovecot({ users: [{ name: 'alice', password: PASSWORD }] });
    dovecot.deliver('alice', numbered(count));
    const sinks = [{ mbox: './mbox/{account}.mbox' }];
    const job = folder.writeJob(dovecot.port, { accounts: ['alice'], sinks });
    const first = await timed(`${count} messages archived`, job, 300_000);
    expect(countsOf(first)).toMatchObject({ listed: count, archivedNow: count, failed: 0 });
    const second = await timed(`${count} messages listed, nothing new`, job, 20_000);
    expect(countsOf(second)).toMatchObject({ listed: count, archivedNow: 0, archivedBefore: count });
    // 150 MiB is the goal, and 132 to 146 are seen; when the collector runs is its own affair.
    expect(second.peakOctets).toBeLessThan(160 * 1024 * 1024);
  });

  it('200 accounts of a CSV file, 16 at a time, are archived in one run', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `user${index}@example.net`);
    dovecot = await startDovecot({ users: names.map((name) => ({ name, password: PASSWORD })) });
    for (const name of names) dovecot.deliver(name, someMessages(5, name));
    folder.write('accounts.csv', ['id,user', ...names.map((name) => `${name},${name}`)].join('\n'));
    const limits = { accounts: 16, perHost: 16 };
    const job = folder.writeJob(dovecot.port, { accounts: [{ from: './accounts.csv' }], limits });
    const first = await timed('200 accounts, 1000 messages archived', job, 120_000);
    expect(countsOf(first)).toMatchObject({ listed: 1000, archivedNow: 1000, failed: 0 });
    for (const name of names) {
      const expected = storedDigests(someMessages(5, name));
      expect(folder.archived(name)).toEqual({ maildir: expected, mbox: expected });
    }
    const second = await timed('200 accounts, nothing new', job, 60_000);
    expect(countsOf(second)).toMatchObject({ listed: 1000, archivedNow: 0, archivedBefore: 1000 });
  });
});

/** Small messages, made one by one: 100,000 of them need not be in memory at once. */
function* numbered(count: number): Generator<Buffer> {
  const body = 'The ferry leaves the harbour at high tide.\n'.repeat(20);
  for (let number = 0; number < count; number += 1) {
    yield Buffer.from(
      `From: a@example.org\nMessage-ID: <${number}@example.org>\nSubject: ${number}\n\n${body}`,
    );
  }
}
