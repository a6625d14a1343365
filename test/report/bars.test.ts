import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { renderBarRows } from '../../src/report/bar-rows.ts';
import { displayWidth } from '../../src/report/format.ts';
import { openReporter } from '../../src/report/open-reporter.ts';
import { ProgressBoard } from '../../src/report/progress-board.ts';
import type { Reporter } from '../../src/report/reporter.ts';
import {
  FakeClock,
  FakeScreen,
  FakeStream,
  finished,
  HOSTILE_TEXTS,
  runFinished,
  runStarted,
} from './fake-stream.ts';

function startAccount(
  target: { report(event: Parameters<Reporter['report']>[0]): void },
  account: string,
  octets = 1_000_000,
): void {
  target.report({ type: 'account.started', account, host: 'pop.example.net' });
  target.report({
    type: 'account.listed',
    account,
    listed: 100,
    listedOctets: octets,
    archivedBefore: 0,
    wanted: 100,
    wantedOctets: octets,
  });
}

describe('rows', () => {
  function boardOf(accounts: number, active: readonly string[]) {
    const clock = new FakeClock();
    const board = new ProgressBoard(accounts, clock);
    const report = board.take.bind(board);
    for (const account of active) {
      startAccount({ report }, account);
    }
    return { board, clock, report };
  }

  test('an account and the total say how much, how fast and how long', () => {
    const { board, clock, report } = boardOf(2, ['alice@example.net']);
    renderBarRows(board, 110, 24);
    clock.advance(5_000);
    report({ type: 'account.progressed', account: 'alice@example.net', messages: 25, octets: 250_000 });
    expect(renderBarRows(board, 110, 24)).toEqual([
      'alice@example.net  [======------------------]  25/100 msg   5.0/s  250.0 kB  50.0 kB/s  0:15 left',
      '0/2 accounts       [===---------------------]  25/100 msg   5.0/s  250.0 kB  50.0 kB/s  0:35 left',
    ]);
  });

  test('the rates are those of the last ten seconds', () => {
    const { board, clock, report } = boardOf(1, ['a']);
    for (let second = 1; second <= 60; second += 1) {
      clock.advance(1_000);
      report({
        type: 'account.progressed',
        account: 'a',
        messages: 50 + second,
        octets: second < 40 ? 0 : (second - 40) * 10_000,
      });
      renderBarRows(board, 110, 24);
    }
    expect(renderBarRows(board, 110, 24)[0]).toContain('10.0 kB/s');
  });

  test.each([200, 110, 80, 60, 40, 20, 5, 1])('no row is wider than a screen of %d cells', (columns) => {
    const { board, clock, report } = boardOf(12, ['日本語の長いアカウント@example.net', ...HOSTILE_TEXTS]);
    clock.advance(3_000);
    report({ type: 'account.progressed', account: HOSTILE_TEXTS[0] ?? '', messages: 99, octets: 999_999 });
    const rows = renderBarRows(board, columns, 24);
    expect(rows).toHaveLength(10);
    for (const row of rows) {
      expect(displayWidth(row)).toBeLessThanOrEqual(Math.max(1, columns - 1));
      expect(row).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  test.each([
    [1, 1],
    [4, 1],
    [5, 3],
    [8, 6],
    [50, 10],
  ])('a screen of %d lines shows %d rows of a thousand accounts at work', (lines, rows) => {
    const { board } = boardOf(
      1000,
      Array.from({ length: 1000 }, (_, index) => `user${index}`),
    );
    expect(renderBarRows(board, 80, lines)).toHaveLength(rows);
  });

  test('accounts without a bar are counted', () => {
    const { board } = boardOf(
      1000,
      Array.from({ length: 50 }, (_, index) => `user${index}`),
    );
    expect(renderBarRows(board, 80, 24).at(-2)).toBe('… and 42 more at work');
  });

  test('the total reaches its end though messages failed and accounts were not reached', () => {
    const { board, report } = boardOf(2, ['a']);
    report({ type: 'account.progressed', account: 'a', messages: 40, octets: 400_000 });
    report(finished('a', { outcome: 'failed' }));
    report(finished('b', { outcome: 'failed' }));
    expect(board.total()).toMatchObject({
      fraction: 1,
      finishedAccounts: 2,
      wanted: { messages: 40, octets: 400_000 },
    });
    expect(board.activeCount).toBe(0);
  });

  test('a second listing takes the place of the first', () => {
    const { board, report } = boardOf(1, ['a']);
    startAccount({ report }, 'a', 500);
    expect(board.total().wanted).toEqual({ messages: 100, octets: 500 });
  });

  test('a further session of an account adds to what those before it have done', () => {
    const { board, report } = boardOf(1, ['a']);
    report({ type: 'account.progressed', account: 'a', messages: 60, octets: 600_000 });
    startAccount({ report }, 'a', 400_000);
    expect(board.total()).toMatchObject({ doneMessages: 60, wanted: { messages: 160, octets: 1_000_000 } });
    report({ type: 'account.progressed', account: 'a', messages: 10, octets: 100_000 });
    expect(board.total()).toMatchObject({ doneMessages: 70, doneOctets: 700_000 });
  });
});

describe('on a terminal', () => {
  let stderr: FakeStream;
  let reporter: Reporter;
  let screen: FakeScreen;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    stderr = new FakeStream({ columns: 80, rows: 24 });
    screen = new FakeScreen(80);
    const stdout = new FakeStream();
    reporter = openReporter({
      json: false,
      quiet: false,
      level: 'info',
      verbose: false,
      stdout,
      stderr,
      env: { NO_COLOR: '1' },
    });
  });

  afterEach(async () => {
    await reporter.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  function look(): string {
    screen.feed(stderr.text);
    stderr.text = '';
    return screen.text;
  }

  function frame(): string {
    vi.advanceTimersByTime(100);
    return look();
  }

  test('bars come, grow and go as accounts do', () => {
    reporter.report(runStarted(3));
    expect(frame()).toMatch(/^0\/3 accounts .*connecting$/);
    startAccount(reporter, 'alice');
    startAccount(reporter, 'bob');
    expect(
      frame()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['alice', 'bob', '0/3']);
    reporter.report(finished('alice', { counts: { archivedBefore: 100 } }));
    expect(
      frame()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['bob', '1/3']);
    frame();
    expect(frame().split('\n')).toHaveLength(2);
  });

  test('log lines stand above the bars, whole, longer or shorter than a bar', () => {
    reporter.report(runStarted(3));
    startAccount(reporter, 'alice');
    startAccount(reporter, 'bob');
    frame();
    reporter.report({ type: 'logged', level: 'warn', text: 'short' });
    reporter.report({ type: 'logged', level: 'warn', text: 'x'.repeat(100) });
    frame();
    reporter.report(finished('alice', { counts: { archivedNow: 100, octets: 1_000_000 } }));
    const lines = frame().split('\n');
    expect(lines.slice(0, 4)).toEqual([
      'warning: short',
      `warning: ${'x'.repeat(71)}`,
      'x'.repeat(29),
      'alice: 100 messages archived (1.0 MB) of 100 listed in 1.2 s',
    ]);
    expect(lines.slice(4).map((line) => line.split(' ')[0])).toEqual(['bob', '1/3']);
  });

  test('an account with nothing new leaves without a line', () => {
    reporter.report(runStarted(2));
    startAccount(reporter, 'alice');
    frame();
    reporter.report(finished('alice', { counts: { archivedBefore: 100 } }));
    expect(frame()).toMatch(/^1\/2 accounts/);
  });

  test('the end of the run removes the bars and leaves what was told', () => {
    reporter.report(runStarted(1));
    startAccount(reporter, 'alice');
    frame();
    reporter.report(finished('alice', { counts: { archivedNow: 100 } }));
    reporter.report(runFinished(1, { archivedNow: 100 }));
    expect(look()).toBe('alice: 100 messages archived (0 B) of 100 listed in 1.2 s');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a second run has bars again', () => {
    reporter.report(runStarted(1));
    frame();
    reporter.report(runFinished(1, {}));
    reporter.report(runStarted(5));
    expect(frame()).toMatch(/^0\/5 accounts/);
  });

  test('cursor and wrapping are given back by each frame, so that even kill -9 leaves a sound terminal', () => {
    reporter.report(runStarted(1));
    for (let index = 0; index < 5; index += 1) {
      startAccount(reporter, `user${index}`);
      frame();
      expect([screen.isCursorVisible, screen.isWrapping]).toEqual([true, true]);
    }
  });

  test('what else is written to the terminal begins on a line of its own', () => {
    reporter.report(runStarted(1));
    startAccount(reporter, 'alice');
    frame();
    screen.feed('Error: crashed');
    expect(screen.text.split('\n').at(-1)).toBe('Error: crashed');
  });

  test('a resized screen is drawn anew within its new size', () => {
    reporter.report(runStarted(20));
    for (let index = 0; index < 12; index += 1) {
      startAccount(reporter, `user${index}`);
    }
    expect(frame().split('\n')).toHaveLength(10);
    stderr.columns = 40;
    stderr.rows = 7;
    const lines = frame().split('\n');
    expect(lines).toHaveLength(5);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(40);
  });

  test('ten frames a second at most, however many events, and none where nothing changed', () => {
    reporter.report(runStarted(10_000));
    frame();
    const before = stderr.writes;
    for (let index = 0; index < 10_000; index += 1) {
      startAccount(reporter, `user${index}`);
      reporter.report({ type: 'account.progressed', account: `user${index}`, messages: 1, octets: 10 });
      reporter.report(finished(`user${index}`, { counts: { archivedBefore: 1 } }));
    }
    expect(stderr.writes).toBe(before);
    vi.advanceTimersByTime(1_000);
    expect(stderr.writes - before).toBeLessThanOrEqual(10);
    reporter.report(runFinished(10_000, { archivedBefore: 10_000 }));
  });

  test('a flood of log lines is not held in memory', () => {
    reporter.report(runStarted(1));
    for (let index = 0; index < 5_000; index += 1) {
      reporter.report({ type: 'logged', level: 'info', text: `line ${index}` });
    }
    expect(stderr.text).toContain('line 4499\n');
    expect(
      frame()
        .split('\n')
        .filter((line) => line.startsWith('line ')),
    ).toHaveLength(5_000);
  });

  test.each(HOSTILE_TEXTS)('hostile text %# reaches the terminal only as text', (text) => {
    reporter.report(runStarted(1));
    reporter.report({ type: 'account.started', account: text, host: text });
    reporter.report({ type: 'logged', level: 'warn', account: text, text });
    // FakeScreen throws on a sequence that is not ours; this catches those that it would ignore.
    vi.advanceTimersByTime(100);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: our own sequences
    const foreign = stderr.text.replace(/\x1b\[(?:\?(?:7|25)[hl]|\d*[AGJK])|\n/g, '');
    expect(foreign).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    look();
  });
});
