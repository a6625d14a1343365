/** How a verification is shown: bars with time left, a closing list that is bounded, silence where all is kept. */
import { expect, test } from 'vitest';
import type { MailferryEvent } from '../../src/pipeline/events.ts';
import { NOTHING_VERIFIED, type VerifiedCounts } from '../../src/pipeline/verdict.ts';
import { openReporter, type ReporterOptions } from '../../src/report/open-reporter.ts';
import { FakeClock, FakeScreen, FakeStream, HOSTILE_TEXTS } from './fake-stream.ts';

const CONTROL_BUT_NEWLINE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function open(options: Partial<ReporterOptions> = {}) {
  const stdout = new FakeStream();
  const stderr = new FakeStream();
  const parts = {
    json: false,
    quiet: false,
    level: 'info',
    verbose: false,
    stdout,
    stderr,
    env: {},
  } as const;
  return { reporter: openReporter({ ...parts, clock: new FakeClock(), ...options }), stdout, stderr };
}

const counts = (some: Partial<VerifiedCounts>): VerifiedCounts => ({ ...NOTHING_VERIFIED, ...some });

const differs = (location: string, uidl: string | null = 'u1'): MailferryEvent => ({
  type: 'message.differs',
  account: 'alice',
  sink: 'maildir:./archive/{account}',
  difference: uidl === null ? 'extra' : 'missing',
  uidl,
  sha256: null,
  root: '/srv/archive/alice',
  location,
  detail: 'it is gone',
});

/** One account verified, with whatever differs. */
function play(
  differing: readonly MailferryEvent[],
  some: Partial<VerifiedCounts>,
): readonly MailferryEvent[] {
  const verdict = differing.length > 0 ? 'different' : 'done';
  return [
    { type: 'verification.started', job: 'nightly', accounts: 1 },
    { type: 'account.counted', account: 'alice', receipts: 100, octets: 5_000_000 },
    ...differing,
    {
      type: 'account.verified',
      account: 'alice',
      verdict,
      counts: counts(some),
      failure: undefined,
      hint: undefined,
      durationMs: 1200,
    },
    {
      type: 'verification.finished',
      job: 'nightly',
      verdict,
      accounts: 1,
      counts: counts(some),
      durationMs: 1300,
    },
  ];
}

const KEPT = play([], { receipts: 100, read: 100, intact: 100, octets: 5_000_000 });

test('all is kept: one line and a table; quiet, nothing at all', async () => {
  const loud = open();
  const quiet = open({ quiet: true });
  for (const event of KEPT) {
    loud.reporter.report(event);
    quiet.reporter.report(event);
  }
  await loud.reporter.close();
  await quiet.reporter.close();
  expect(loud.stdout.text).toMatch(
    /^nightly: all is kept: 100 receipts \(5\.0 MB\) read from 1 account in 1\.3 s\n\naccount +receipts/,
  );
  expect([loud.stderr.text, quiet.stdout.text, quiet.stderr.text]).toEqual(['', '', '']);
});

test('what differs is listed, quiet or not, and how to fetch it again', async () => {
  const { reporter, stdout, stderr } = open({ quiet: true });
  const events = play([differs('new/1'), differs('new/2', null)], { receipts: 100, missing: 1, extra: 1 });
  for (const event of events) reporter.report(event);
  await reporter.close();
  expect(stdout.text).toMatch(/^nightly: something differs \(1 missing, 1 extra\): 0 of 100 receipts/);
  expect(stdout.text).toMatch(/\nalice +missing +\/srv\/archive\/alice: new\/1 +u1 +it is gone\n/);
  expect(stdout.text).toMatch(/\n-> "mailferry run --refetch missing"/);
  expect(stderr.text).toBe('warning: alice: 1 missing, 1 extra\n');
});

test('the list has an end, and says how much it leaves out', async () => {
  const { reporter, stdout } = open();
  const many = Array.from({ length: 1500 }, (_, index) => differs(`new/${index}`));
  for (const event of play(many, { receipts: 1500, missing: 1500 })) reporter.report(event);
  await reporter.close();
  expect(stdout.text.match(/^alice +missing/gm)).toHaveLength(1000);
  expect(stdout.text).toContain('… and 500 more; --json tells of all');
});

test('no unique-id and no path drives the terminal', async () => {
  for (const options of [{}, { json: true }]) {
    const { reporter, stdout, stderr } = open({ level: 'trace', ...options });
    const hostile = HOSTILE_TEXTS.map((text) => differs(text, text));
    for (const event of play(hostile, { receipts: 20, missing: 20 })) reporter.report(event);
    await reporter.close();
    expect(stdout.text + stderr.text).not.toMatch(CONTROL_BUT_NEWLINE);
  }
});

test('on a terminal there is a bar with the time left, which is gone at the end', async () => {
  const terminal = { columns: 100, rows: 30 };
  const stderr = new FakeStream(terminal);
  const clock = new FakeClock();
  const { reporter } = open({ stderr, clock, env: { TERM: 'xterm' } });
  const screen = new FakeScreen(100);
  const [started, counted, ...rest] = KEPT;
  if (started === undefined || counted === undefined) throw new Error('no events');
  reporter.report(started);
  reporter.report(counted);
  const shown = new Promise<void>((resolve) => {
    const look = (): void => {
      if (/alice .*\[=+-+\] +50\/100 msg .* left/.test(screen.text)) resolve();
    };
    const write = stderr._write.bind(stderr);
    stderr._write = (chunk, encoding, done) => {
      write(chunk, encoding, done);
      screen.feed(String(chunk));
      look();
    };
  });
  clock.advance(2000);
  reporter.report({ type: 'account.progressed', account: 'alice', messages: 50, octets: 2_500_000 });
  await shown;
  for (const event of rest) reporter.report(event);
  await reporter.close();
  expect(screen.text).toBe('');
  expect(screen.isCursorVisible && screen.isWrapping).toBe(true);
});
