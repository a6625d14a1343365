import { describe, expect, test } from 'vitest';
import type { MailferryEvent } from '../../src/pipeline/events.ts';
import { openReporter, type ReporterOptions } from '../../src/report/open-reporter.ts';
import type { Reporter } from '../../src/report/reporter.ts';
import { FakeClock, FakeStream, finished, HOSTILE_TEXTS, runFinished, runStarted } from './fake-stream.ts';

const CONTROL_BUT_NEWLINE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const REFUSED = { code: 'pop3-login-refused', text: 'the server refused the login: -ERR no.' };

function open(options: Partial<ReporterOptions> = {}) {
  const stdout = new FakeStream();
  const stderr = new FakeStream();
  const clock = new FakeClock();
  const reporter = openReporter({
    json: false,
    quiet: false,
    level: 'info',
    verbose: false,
    stdout,
    stderr,
    env: {},
    clock,
    ...options,
  });
  return { reporter, stdout, stderr, clock };
}

const QUARANTINED: MailferryEvent = {
  type: 'message.quarantined',
  account: 'a',
  uidl: 'u',
  failure: REFUSED,
  attempts: 3,
  note: '/state/quarantine/a/u.json',
  hint: 'Try it again.',
};

/** Three accounts: one with news, one that failed, one with nothing new. */
function playRun(reporter: Reporter): void {
  const events: MailferryEvent[] = [
    runStarted(3),
    { type: 'account.started', account: 'alice', host: 'pop.example.net' },
    { type: 'account.started', account: 'bob', host: 'pop.example.net' },
    {
      type: 'account.listed',
      account: 'alice',
      listed: 1203,
      listedOctets: 5_000_000,
      archivedBefore: 1200,
      wanted: 3,
      wantedOctets: 30_000,
    },
    { type: 'account.progressed', account: 'alice', messages: 2, octets: 20_000 },
    { type: 'message.archived', account: 'alice', uidl: 'u1', octets: 10_000, sha256: 'ab'.repeat(32) },
    {
      type: 'message.failed',
      account: 'alice',
      uidl: 'u3',
      failure: { code: 'pop3-refused', text: 'the server said: -ERR gone' },
      hint: 'Read it by hand.',
    },
    finished('alice', {
      counts: { archivedNow: 2, archivedBefore: 1200, failed: 1, octets: 20_000 },
      outcome: 'failed',
      durationMs: 12_300,
    }),
    finished('bob', { outcome: 'failed', failure: REFUSED, hint: 'Check the password.', durationMs: 300 }),
    finished('carol', { counts: { archivedBefore: 40 }, durationMs: 900 }),
    runFinished(3, { archivedNow: 2, archivedBefore: 1240, failed: 1, octets: 20_000 }, 'failed'),
  ];
  for (const event of events) {
    reporter.report(event);
  }
}

describe('plain lines', () => {
  test('an account that did something or failed gets a line, with reason and hint', async () => {
    const { reporter, stderr } = open();
    playRun(reporter);
    await reporter.close();
    expect(stderr.text).toBe(
      [
        'warning: alice: message "u3" failed: the server said: -ERR gone [pop3-refused]. Read it by hand.',
        'error: alice: 2 messages archived (20.0 kB), 1 message failed of 1,203 listed in 12 s',
        'error: bob: failed: the server refused the login: -ERR no [pop3-login-refused]. Check the password.',
        '',
      ].join('\n'),
    );
  });

  test('a quiet night is silent on both streams', async () => {
    const { reporter, stdout, stderr, clock } = open({ quiet: true });
    reporter.report(runStarted(2));
    reporter.report({ type: 'logged', level: 'info', text: 'something of interest' });
    reporter.report(finished('alice', { counts: { archivedBefore: 9 } }));
    reporter.report(finished('bob', { counts: { archivedNow: 3, octets: 9 } }));
    clock.advance(120_000);
    reporter.report(runFinished(2, { archivedNow: 3, archivedBefore: 9, octets: 9 }));
    await reporter.close();
    expect(stdout.text + stderr.text).toBe('');
  });

  test('quiet still tells failures and warnings, whatever level was asked for', async () => {
    const { reporter, stdout, stderr } = open({ quiet: true, level: 'trace' });
    reporter.report({ type: 'logged', level: 'warn', account: 'bob', text: 'STAT and LIST disagree' });
    reporter.report({ type: 'logged', level: 'debug', text: 'unseen' });
    playRun(reporter);
    await reporter.close();
    expect(stdout.text).toBe('');
    expect(stderr.text.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'warning:',
      'warning:',
      'error:',
      'error:',
      '',
    ]);
  });

  test('only an error passes at the level error', async () => {
    const { reporter, stderr } = open({ level: 'error' });
    playRun(reporter);
    reporter.report({ type: 'logged', level: 'warn', text: 'unseen' });
    await reporter.close();
    expect(
      stderr.text
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('error: ')),
    ).toBe(true);
  });

  test('details come with the time', async () => {
    const { reporter, stderr } = open({ level: 'debug' });
    reporter.report({ type: 'account.started', account: 'alice', host: 'pop.example.net' });
    await reporter.close();
    expect(stderr.text).toBe('2026-01-02T03:04:05.000Z debug: alice: connecting to pop.example.net\n');
  });

  test('long work tells every half minute where it stands, and stops with the run', async () => {
    const { reporter, stderr, clock } = open();
    reporter.report(runStarted(2));
    reporter.report({ type: 'account.started', account: 'alice', host: 'h' });
    reporter.report({
      type: 'account.listed',
      account: 'alice',
      listed: 9000,
      listedOctets: 9e7,
      archivedBefore: 0,
      wanted: 9000,
      wantedOctets: 90_000_000,
    });
    clock.advance(29_999);
    expect(stderr.text).toBe('');
    reporter.report({ type: 'account.progressed', account: 'alice', messages: 3000, octets: 30_000_000 });
    clock.advance(1);
    expect(stderr.text).toBe(
      '0/2 accounts, 3,000/9,000 messages, 30.0 MB, 100 msg/s, 1.0 MB/s, about 2:30 left\n',
    );
    reporter.report(runFinished(2, {}));
    expect(clock.taskCount).toBe(0);
    await reporter.close();
  });

  test('a run that is not finished leaves no timer after close', async () => {
    const { reporter, clock } = open();
    reporter.report(runStarted(2));
    expect(clock.taskCount).toBe(1);
    await reporter.close();
    await reporter.close();
    expect(clock.taskCount).toBe(0);
  });

  test('a hundred thousand failed messages are twenty lines and a count', async () => {
    const { reporter, stderr } = open({ quiet: true });
    for (let index = 0; index < 100_000; index += 1) {
      reporter.report({ type: 'message.failed', account: 'alice', uidl: `u${index}`, failure: REFUSED });
    }
    reporter.report(finished('alice', { outcome: 'failed', counts: { failed: 100_000 } }));
    await reporter.close();
    const lines = stderr.text.trimEnd().split('\n');
    expect(lines).toHaveLength(22);
    expect(lines[20]).toBe('warning: alice: 99,980 more messages failed; "mailferry status" lists them');
  });

  test('counts that do not add up are an error of their own', async () => {
    const { reporter, stderr } = open({ quiet: true });
    reporter.report(finished('alice', { counts: { listed: 5, archivedNow: 4 } }));
    await reporter.close();
    expect(stderr.text).toContain('error: alice: the counts do not add up: 5 listed, but 4 archived now');
  });
});

describe('the closing report', () => {
  test('shows each account, the total, and each failure with what to do', async () => {
    const { reporter, stdout } = open();
    playRun(reporter);
    await reporter.close();
    expect(stdout.text).toBe(
      [
        'nightly: failed in part: 2 messages (20.0 kB) archived from 3 accounts in 1 min 05 s',
        '',
        'account     listed  new  before  skipped  quarantined  failed     size   time  outcome',
        'alice        1,203    2   1,200        0            0       1  20.0 kB   12 s  failed',
        'bob              0    0       0        0            0       0      0 B  0.3 s  failed',
        'carol           40    0      40        0            0       0      0 B  0.9 s  nothing new',
        '------------------------------------------------------------------------------------------',
        '3 accounts   1,243    2   1,240        0            0       1  20.0 kB',
        '',
        'What failed, and what to do:',
        '  alice: message "u3": the server said: -ERR gone [pop3-refused]',
        '    -> Read it by hand.',
        '  bob: the server refused the login: -ERR no [pop3-login-refused]',
        '    -> Check the password.',
        '',
      ].join('\n'),
    );
  });

  function playMany(reporter: Reporter): void {
    reporter.report(runStarted(10_000));
    for (let index = 0; index < 10_000; index += 1) {
      const name = `user${index}`;
      const failed = index % 1000 === 7;
      const archivedNow = index % 100 === 0 ? 1 : 0;
      reporter.report(
        failed
          ? finished(name, { outcome: 'failed', failure: REFUSED, hint: 'Check the password.' })
          : finished(name, { counts: { archivedNow, archivedBefore: 2 } }),
      );
    }
    reporter.report(runFinished(10_000, { archivedNow: 100, archivedBefore: 2 * 9990 }, 'failed'));
  }

  test('names what was set aside in this run, counts what was before, and says what to do', async () => {
    const { reporter, stdout, stderr } = open();
    const counts = { listed: 5, archivedBefore: 2, quarantined: 3 };
    reporter.report(runStarted(1));
    reporter.report({ ...QUARANTINED, account: 'alice' });
    reporter.report(finished('alice', { counts, outcome: 'failed' }));
    reporter.report(runFinished(1, counts, 'failed'));
    await reporter.close();
    expect(stdout.text).toMatch(/ {2}alice: message "u" is quarantined: .*\n {4}-> Try it again\.\n/);
    expect(stdout.text).toMatch(
      /\n3 messages quarantined: "mailferry status JOB" says why.*\n"mailferry run --retry quarantined JOB"/,
    );
    expect(stderr.text).toMatch(
      /error: alice: 3 messages quarantined \("mailferry status" says why\) of 5 listed/,
    );
  });

  test('of ten thousand accounts those that failed come first, and the rest is counted', async () => {
    const { reporter, stdout } = open();
    playMany(reporter);
    await reporter.close();
    const lines = stdout.text.split('\n');
    expect(lines.slice(3, 13).every((line) => line.includes(' failed'))).toBe(true);
    expect(lines[13]).toContain(' done');
    expect(lines.slice(45, 48)).toEqual([
      '… and 70 accounts with new messages',
      '… and 9,890 accounts with nothing new',
      '(-v shows all)',
    ]);
    expect(lines.length).toBeLessThan(100);
  });

  test('-v shows all ten thousand', async () => {
    const { reporter, stdout } = open({ verbose: true });
    playMany(reporter);
    await reporter.close();
    expect(stdout.text.split('\n').filter((line) => /^user\d+ /.test(line))).toHaveLength(10_000);
    expect(stdout.text).not.toContain('…');
  });

  test('accounts and run that disagree are an error of their own', async () => {
    const { reporter, stdout } = open();
    reporter.report(runStarted(1));
    reporter.report(finished('alice', { counts: { archivedNow: 2 } }));
    reporter.report(runFinished(1, { archivedNow: 3 }));
    await reporter.close();
    expect(stdout.text).toContain(
      'error: nightly: the counts do not add up: the accounts and the run disagree about "listed"',
    );
  });

  test('a run that was cut off still shows what it did', async () => {
    const { reporter, stdout } = open();
    reporter.report(runStarted(2));
    reporter.report(finished('alice', { counts: { archivedNow: 2 } }));
    await reporter.close();
    expect(stdout.text).toContain(
      'nightly: did not come to its end: 2 messages (0 B) archived from 1 account\n',
    );
  });

  test('a narrow terminal keeps the arithmetic and loses what is zero', async () => {
    const stdout = new FakeStream({ columns: 60, rows: 24 });
    const { reporter } = open({ stdout, env: { NO_COLOR: '1' } });
    playRun(reporter);
    await reporter.close();
    const table = stdout.text.split('\n').slice(2, 8);
    expect(table[0]).toBe('account    listed  new  before  failed     size  outcome');
    expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(60);
  });
});

describe('JSON', () => {
  const EVERY_EVENT: MailferryEvent[] = [
    runStarted(1),
    { type: 'account.started', account: 'a', host: 'h' },
    {
      type: 'account.listed',
      account: 'a',
      listed: 1,
      listedOctets: 2,
      archivedBefore: 3,
      wanted: 4,
      wantedOctets: 5,
    },
    { type: 'account.progressed', account: 'a', messages: 1, octets: 2 },
    { type: 'message.archived', account: 'a', uidl: 'u', octets: 3, sha256: 'f' },
    { type: 'message.failed', account: 'a', uidl: 'u', failure: REFUSED },
    QUARANTINED,
    { type: 'message.skipped', account: 'a', uidl: 'u', rule: 'smallerThan: 5' },
    finished('a', {}),
    runFinished(1, {}),
    { type: 'logged', level: 'info', text: 't' },
  ];

  test('each event is one object with time, name and every field of the table', async () => {
    const { reporter, stdout, stderr } = open({ json: true });
    EVERY_EVENT.forEach(reporter.report);
    await reporter.close();
    const objects = stdout.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(objects.map((object) => Object.keys(object).slice(2).sort().join())).toEqual([
      'accounts,job,runId',
      'account,host',
      'account,archivedBefore,listed,listedOctets,wanted,wantedOctets',
      'account,messages,octets',
      'account,octets,sha256,uidl',
      'account,failure,hint,uidl',
      'account,attempts,failure,hint,note,uidl',
      'account,rule,uidl',
      'account,counts,durationMs,failure,hint,outcome',
      'accounts,counts,durationMs,job,outcome,runId',
      'account,level,text',
    ]);
    expect(objects.map(({ event }) => event)).toEqual(EVERY_EVENT.map(({ type }) => type));
    expect(objects.every(({ time }) => time === '2026-01-02T03:04:05.000Z')).toBe(true);
    expect(objects[8]).toMatchObject({ failure: null, hint: null, counts: { listed: 0 } });
    expect(stderr.text).toBe(
      [
        'warning: a: message "u" failed: the server refused the login: -ERR no [pop3-login-refused]',
        'warning: a: message "u" is quarantined after 3 attempts: the server refused the login: -ERR no [pop3-login-refused]. Try it again.',
        '',
      ].join('\n'),
    );
  });

  test('log lines obey the level', async () => {
    const { reporter, stdout } = open({ json: true, level: 'warn' });
    reporter.report({ type: 'logged', level: 'info', text: 'unseen' });
    reporter.report({ type: 'logged', level: 'warn', text: 'seen' });
    await reporter.close();
    expect(stdout.text.split('\n')).toHaveLength(2);
  });

  test.each(HOSTILE_TEXTS)(
    'hostile text %# comes back unchanged and cannot act on a terminal',
    async (text) => {
      const { reporter, stdout } = open({ json: true });
      reporter.report({ type: 'message.skipped', account: text, uidl: text, rule: text });
      await reporter.close();
      expect(stdout.text).not.toMatch(CONTROL_BUT_NEWLINE);
      expect(JSON.parse(stdout.text)).toMatchObject({ account: text, uidl: text, rule: text });
      expect(stdout.text.split('\n')).toHaveLength(2);
    },
  );

  test('counts that do not add up are an error event of their own', async () => {
    const { reporter, stdout } = open({ json: true });
    reporter.report(finished('a', { counts: { listed: 1 } }));
    await reporter.close();
    expect(JSON.parse(stdout.text.split('\n')[1] ?? '')).toMatchObject({
      event: 'logged',
      level: 'error',
      account: 'a',
    });
  });
});

describe('a hostile server', () => {
  test.each(HOSTILE_TEXTS)('cannot act on a terminal nor forge a line with text %#', async (text) => {
    const { reporter, stdout, stderr } = open({ level: 'trace', verbose: true });
    const failure = { code: text, text };
    reporter.report({ type: 'run.started', job: text, runId: 1, accounts: 1 });
    reporter.report({ type: 'account.started', account: text, host: text });
    reporter.report({ type: 'message.archived', account: text, uidl: text, octets: 1, sha256: 'a' });
    reporter.report({ type: 'message.skipped', account: text, uidl: text, rule: text });
    reporter.report({ type: 'message.failed', account: text, uidl: text, failure, hint: text });
    reporter.report({ ...QUARANTINED, account: text, uidl: text, failure, note: text, hint: text });
    reporter.report({ type: 'logged', level: 'warn', account: text, text });
    reporter.report(finished(text, { outcome: 'failed', failure, hint: text, counts: { listed: 1 } }));
    reporter.report({
      type: 'run.finished',
      job: text,
      runId: 1,
      outcome: 'failed',
      accounts: 1,
      counts: finished('', {}).counts,
      durationMs: 1,
    });
    await reporter.close();
    expect(stdout.text).not.toMatch(CONTROL_BUT_NEWLINE);
    expect(stderr.text).not.toMatch(CONTROL_BUT_NEWLINE);
    expect(
      stderr.text
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('2026-')),
    ).toEqual([]);
  });
});

describe('a stream that goes away', () => {
  function brokenPipe(): Error {
    return Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  }

  test.each([true, false])('ends the showing, not the run (json: %s)', async (json) => {
    const { reporter, stdout, stderr } = open({ json });
    stdout.failure = brokenPipe();
    stderr.failure = brokenPipe();
    playRun(reporter);
    await new Promise(setImmediate);
    playRun(reporter);
    await reporter.close();
    expect(stdout.text + stderr.text).toBe('');
    expect(stdout.listenerCount('error') + stderr.listenerCount('error')).toBe(0);
  });

  test('on a terminal ends the bars', async () => {
    const stderr = new FakeStream({ columns: 80, rows: 24 });
    const { reporter } = open({ stderr });
    stderr.failure = brokenPipe();
    playRun(reporter);
    await reporter.close();
    expect(stderr.listenerCount('error')).toBe(0);
  });

  test('a full disk under the results is told on stderr', async () => {
    const { reporter, stdout, stderr } = open({ json: true });
    stdout.failure = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    reporter.report(runStarted(1));
    await reporter.close();
    expect(stderr.text).toBe(
      'warning: not all results could be written to standard output: ENOSPC: no space left on device, write\n',
    );
  });

  test('a stream that throws is a stream that has gone', async () => {
    const { reporter, stdout } = open({ json: true });
    stdout.write = () => {
      throw brokenPipe();
    };
    reporter.report(runStarted(1));
    await expect(reporter.close()).resolves.toBeUndefined();
  });

  test('nothing listens to a healthy stream after close', async () => {
    const { reporter, stdout, stderr } = open();
    playRun(reporter);
    await reporter.close();
    for (const stream of [stdout, stderr]) {
      expect([stream.listenerCount('error'), stream.listenerCount('close')]).toEqual([0, 0]);
    }
  });
});
