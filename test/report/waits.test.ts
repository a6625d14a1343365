import { expect, test } from 'vitest';
import type { MailferryEvent } from '../../src/pipeline/events.ts';
import { renderBarRows } from '../../src/report/bar-rows.ts';
import { openReporter } from '../../src/report/open-reporter.ts';
import { ProgressBoard } from '../../src/report/progress-board.ts';
import { FakeClock, FakeStream, finished, runFinished, runStarted } from './fake-stream.ts';

const waiting = (account: string, until: number, code = 'pop3-in-use'): MailferryEvent => ({
  type: 'account.waiting',
  account,
  host: 'pop.example.net',
  reason: { code, text: 'the mailbox is in use by another session' },
  until,
});

function report(json: boolean, events: (now: number) => MailferryEvent[], advanceMs = 0) {
  const [stdout, stderr, clock] = [new FakeStream(), new FakeStream(), new FakeClock()];
  const reporter = openReporter({
    ...{ json, quiet: false, level: 'info', verbose: false, stdout, stderr, env: {}, clock },
  });
  const all = events(clock.now());
  for (const event of all.slice(0, -1)) {
    reporter.report(event);
  }
  clock.advance(advanceMs);
  reporter.report(all.at(-1) ?? runFinished(0, {}));
  return reporter.close().then(() => ({ stdout: stdout.text, stderr: stderr.text }));
}

test('Q41: a line says what waits until when and why, and every half minute how many do', async () => {
  const { stdout, stderr } = await report(
    false,
    (now) => [
      runStarted(2),
      waiting('alice', now + 45_000),
      waiting('alice', now + 50_000),
      waiting('bob\x1b[2J', now + 10_000, 'connection-silent'),
      runFinished(2, {}),
    ],
    30_000,
  );
  expect(stderr.split('\n')).toEqual([
    'alice: waits until 03:04:50 UTC: the mailbox is in use by another session',
    'alice: waits until 03:04:55 UTC: the mailbox is in use by another session',
    'bob\\x1b[2J: waits until 03:04:15 UTC: the mailbox is in use by another session',
    '0/2 accounts, 1 waiting, 0.0 msg/s, 0 B/s',
    '',
  ]);
  expect(stdout).toContain('\nwaited for: pop3-in-use (1 account), connection-silent (1 account)\n');
});

test('a run in which nothing waited says nothing about it', async () => {
  const { stdout } = await report(false, () => [runStarted(1), finished('alice', {}), runFinished(1, {})]);
  expect(stdout).not.toContain('waited');
});

test('JSON has the account, its host, the reason and the time', async () => {
  const { stdout } = await report(true, (now) => [waiting('alice', now + 1_000), runFinished(0, {})]);
  expect(JSON.parse(stdout.split('\n')[0] ?? '')).toEqual({
    time: '2026-01-02T03:04:05.000Z',
    event: 'account.waiting',
    account: 'alice',
    host: 'pop.example.net',
    reason: { code: 'pop3-in-use', text: 'the mailbox is in use by another session' },
    until: Date.UTC(2026, 0, 2, 3, 4, 6),
  });
});

test('a bar counts down to the next attempt, and those without a bar of their own are counted', () => {
  const clock = new FakeClock();
  const board = new ProgressBoard(3, clock);
  for (const account of ['alice', 'bob', 'carol']) {
    board.take({ type: 'account.started', account, host: 'pop.example.net' });
    board.take(waiting(account, clock.now() + 65_000));
  }
  expect(renderBarRows(board, 80, 6)).toEqual([
    expect.stringMatching(/^alice .* waits 1:05$/),
    expect.stringMatching(/^bob .* waits 1:05$/),
    '… and 1 more at work, 1 of them waiting',
    expect.stringMatching(/^0\/3 accounts/),
  ]);
  clock.advance(65_000);
  expect(renderBarRows(board, 80, 6)[0]).toMatch(/^alice .* connecting$/);
});
