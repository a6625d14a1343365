/** The pure parts of the pace: pauses, what follows a failure, spacing, the time between logins. */
import { describe, expect, it } from 'vitest';
import { MailferryError } from '../../../src/errors/mailferry-error.ts';
import { decidePauseMs } from '../../../src/pipeline/pace/backoff.ts';
import { decideRetry } from '../../../src/pipeline/pace/decide-retry.ts';
import { HostPace, MOST_FAILURES, type Turn } from '../../../src/pipeline/pace/host-pace.ts';
import { LoginSpacing } from '../../../src/pipeline/pace/login-spacing.ts';
import { announcedDelayMs, LoginState } from '../../../src/pipeline/pace/login-state.ts';
import { Capabilities } from '../../../src/pop3/capabilities.ts';
import { ConnectionError, ProtocolError, RefusedError } from '../../../src/pop3/errors.ts';

const refused = (code: string, retry: 'later' | 'never' = 'later'): RefusedError =>
  new RefusedError('no', { code, scope: 'account', retry, serverText: 'no', responseCode: undefined });
const broken = (failure: 'unreachable' | 'closed' | 'silent' | 'aborted', cause?: unknown): ConnectionError =>
  new ConnectionError('gone', { failure, cause });
const MINUTE_MS = 60_000;

describe('a pause', () => {
  it('Q41: doubles from a second up to a quarter of an hour, half of it by chance', () => {
    const pauses = Array.from({ length: 14 }, (_, index) => decidePauseMs(index + 1, 1, Infinity));
    expect(pauses.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(pauses.slice(-3)).toEqual(Array(3).fill(15 * MINUTE_MS));
    expect(decidePauseMs(3, 0, Infinity)).toBe(2_000);
  });

  it('is never longer than the patience that is left, and none where none is', () => {
    expect(decidePauseMs(10, 0.5, 7_000)).toBe(7_000);
    expect(decidePauseMs(1, 0.5, 0)).toBe(0);
    expect(decidePauseMs(1, 0.5, -5)).toBe(0);
  });
});

describe('what follows a failed opening', () => {
  const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
  it.each([
    ['no connection', broken('unreachable'), undefined, 'host-backs-off'],
    ['a cut before the greeting', broken('closed'), undefined, 'host-backs-off'],
    ['silence before the greeting', broken('silent'), undefined, 'host-backs-off'],
    ['-ERR for a greeting', refused('pop3-refused'), undefined, 'host-backs-off'],
    ['[SYS/TEMP] for a greeting', refused('pop3-sys-temp'), undefined, 'host-backs-off'],
    ['[SYS/PERM] for a greeting', refused('pop3-sys-perm', 'never'), undefined, 'host-is-given-up'],
    ['an unknown name', broken('unreachable', notFound), undefined, 'host-is-given-up'],
    ['another protocol', new ProtocolError('SMTP'), undefined, 'none'],
    ['[IN-USE]', refused('pop3-in-use'), 'logging-in', 'account-waits'],
    ['[SYS/TEMP]', refused('pop3-sys-temp'), 'logging-in', 'account-waits'],
    ['[LOGIN-DELAY]', refused('pop3-login-delay'), 'logging-in', 'login-is-delayed'],
    ['[AUTH]', refused('login-refused', 'never'), 'logging-in', 'never-this-login'],
    ['[SYS/PERM]', refused('pop3-sys-perm', 'never'), 'logging-in', 'never-this-login'],
    ['RFC-45: no [AUTH] where it is announced', refused('login-failed'), 'logging-in', 'never-this-login'],
    ['Q46: a cut', refused('login-cut', 'never'), 'logging-in', 'never-this-login'],
    ['Q46: a broken line', broken('closed'), 'logging-in', 'never-this-login'],
    ['silence', broken('silent'), 'logging-in', 'never-this-login'],
    ['garbage', new ProtocolError('?'), 'logging-in', 'never-this-login'],
    ['a signal to stop', broken('aborted'), 'logging-in', 'none'],
    [
      'a secret that is not there',
      new MailferryError('no file', { code: 'secret-file', scope: 'account', retry: 'never' }),
      undefined,
      'none',
    ],
  ] as const)('RFC-44: %s', (_what, cause, step, expected) => {
    expect(decideRetry(cause, step)).toBe(expected);
  });
});

describe('a host', () => {
  const cause = broken('unreachable');
  const make = (patienceMs = MINUTE_MS): HostPace => new HostPace('pop.example.net:995', patienceMs, () => 1);
  const turnOf = (host: HostPace, now = 0): Turn => {
    const admission = host.admit(now);
    if (admission.kind === 'wait' || admission.kind === 'queue') {
      throw new Error('nobody else is trying it');
    }
    return admission.turn;
  };

  it('Q45: counts attempts that ran side by side once, and tries one at a time after that', async () => {
    const host = make();
    const turns = [turnOf(host), turnOf(host), turnOf(host), turnOf(host)];
    for (const turn of turns) {
      host.failed(turn, cause, 0);
    }
    const probe = host.admit(0);
    expect(probe).toMatchObject({ kind: 'probe', pauseMs: 1_000 });
    const behind = host.admit(0);
    expect(behind).toMatchObject({ kind: 'wait' });
    if (probe.kind !== 'probe' || behind.kind !== 'wait') {
      throw new Error('as expected above');
    }
    host.connected(probe.turn);
    await behind.untilSettled;
    expect(host.admit(0)).toMatchObject({ kind: 'go' });
  });

  it('Q45: is given up after so many failures in a row, with the last one as the reason', () => {
    const host = make();
    for (let failure = 1; failure <= MOST_FAILURES; failure += 1) {
      host.failed(turnOf(host), cause, 0);
    }
    expect(() => host.admit(0)).toThrow(
      expect.objectContaining({
        code: 'host-given-up',
        retry: 'later',
        message: expect.stringMatching(/5 times in a row.*gone/),
      }),
    );
  });

  it('Q45: is well again after one success', () => {
    const host = make();
    for (let failure = 1; failure < MOST_FAILURES; failure += 1) {
      host.failed(turnOf(host), cause, 0);
    }
    const turn = turnOf(host);
    host.connected(turn);
    host.ended(turn);
    host.failed(turnOf(host), cause, 0);
    expect(host.admit(0)).toMatchObject({ kind: 'probe', pauseMs: 1_000 });
  });

  it('Q45: that has sessions of ours and takes no more is full: the next ones queue, and it is tried with one more later', () => {
    const host = make();
    const take = (): Turn => {
      const turn = turnOf(host);
      host.connected(turn);
      return turn;
    };
    const open = [take(), take()];
    const third = turnOf(host);
    expect(host.failed(third, cause, 0)).toBe(true);
    host.ended(third);
    expect(host.admit(0)).toMatchObject({ kind: 'queue' });
    for (let session = 1; session <= 9; session += 1) {
      host.ended(open.shift() ?? third);
      open.push(take());
    }
    // Nine were taken, two at a time: now three are tried.
    expect(host.admit(0)).toMatchObject({ kind: 'go' });
  });

  it('Q45: whose sessions have all ended is not full, and counts as failing', () => {
    const host = make();
    const only = turnOf(host);
    host.connected(only);
    const refusedOne = turnOf(host);
    host.failed(refusedOne, cause, 0);
    host.ended(refusedOne);
    host.ended(only);
    expect(host.failed(turnOf(host), cause, 0)).toBe(false);
    expect(host.isFailing).toBe(true);
  });

  it('is not waited for beyond patience, and not longer where the clock was set back', () => {
    const host = make(2_500);
    host.failed(turnOf(host), cause, 1_000_000);
    expect(host.admit(0)).toMatchObject({ kind: 'probe', pauseMs: 1_000 });
    const hasty = make(0);
    hasty.failed(turnOf(hasty), cause, 0);
    expect(hasty.isWorthWaiting).toBe(false);
    expect(hasty.admit(0)).toMatchObject({ kind: 'probe', pauseMs: 0 });
  });

  it('lets the next one try where the one that was trying came to nothing', () => {
    const host = make();
    host.failed(turnOf(host), cause, 0);
    const turn = turnOf(host);
    host.ended(turn);
    const next = turnOf(host);
    host.ended(turn);
    expect(host.admit(0).kind).toBe('wait');
    host.ended(next);
    expect(host.admit(0).kind).toBe('probe');
  });
});

describe('logins per minute', () => {
  it('are evenly spaced; nothing is spaced without a limit', () => {
    const spacing = new LoginSpacing(30);
    expect([0, 0, 500, 1_999, 2_000, 2_001].map((now) => spacing.take(now))).toEqual([
      0, 2_000, 1_500, 1, 0, 1_999,
    ]);
    expect([0, 0, 0].map((now) => new LoginSpacing(undefined).take(now))).toEqual([0, 0, 0]);
  });

  it('wait no longer than the space where the clock was set back', () => {
    const spacing = new LoginSpacing(60);
    spacing.take(1_000_000_000);
    expect(spacing.take(0)).toBe(1_000);
  });
});

describe('the time between two logins', () => {
  const announcing = (text: string): Capabilities => new Capabilities([text]);

  it.each([
    ['LOGIN-DELAY 300', 300_000],
    ['LOGIN-DELAY 900 USER', 900_000],
    ['login-delay 0', 0],
    ['LOGIN-DELAY', undefined],
    ['LOGIN-DELAY soon', undefined],
    ['LOGIN-DELAY -5', undefined],
    ['LOGIN-DELAY 999999999999', 86_400_000],
    ['LOGIN-DELAY 99999999999999999999', undefined],
    ['UIDL', undefined],
  ])('RFC-72: %j asks for %s ms', (line, expected) => {
    expect(announcedDelayMs(announcing(line))).toBe(expected);
  });

  it('Q42, RFC-72: begins anew with each login', () => {
    const login = new LoginState();
    login.announced(announcing('LOGIN-DELAY 10'));
    expect(login.waitMs(0)).toBe(0);
    login.loggedIn(1_000);
    expect(login.waitMs(2_000)).toBe(9_000);
    login.loggedIn(20_000);
    expect(login.waitMs(20_000)).toBe(10_000);
    expect(login.times).toEqual({ nextLoginAt: 30_000, learnedDelayMs: 0 });
  });

  it('Q42: is learned where it is enforced without being announced', () => {
    const login = new LoginState();
    login.loggedIn(0);
    login.cameTooSoon(5_000, 1_000);
    expect(login.waitMs(5_000)).toBe(1_000);
    login.cameTooSoon(6_000, 60_000);
    login.loggedIn(66_000);
    expect(login.times).toEqual({ nextLoginAt: 132_000, learnedDelayMs: 66_000 });
  });

  it('Q42: is the longest of what was announced and what was seen', () => {
    const login = new LoginState();
    login.load({ nextLoginAt: 7_000, learnedDelayMs: 45_000 });
    expect(login.waitMs(0)).toBe(7_000);
    login.announced(announcing('LOGIN-DELAY 10'));
    login.loggedIn(10_000);
    expect(login.waitMs(10_000)).toBe(45_000);
    login.announced(announcing('LOGIN-DELAY 100'));
    login.cameTooSoon(20_000, 1_000);
    expect(login.waitMs(20_000)).toBe(100_000);
  });

  it('Q42: is not learned from a refusal that came long after the last login', () => {
    const login = new LoginState();
    login.loggedIn(0);
    login.cameTooSoon(3_600_000, 1_000);
    login.loggedIn(3_601_000);
    expect(login.times).toEqual({ nextLoginAt: null, learnedDelayMs: 0 });
  });

  it('is at most a day, also where a clock was wrong when it was written', () => {
    const login = new LoginState();
    login.load({ nextLoginAt: 4_000_000_000_000, learnedDelayMs: 0 });
    expect(login.waitMs(0)).toBe(86_400_000);
  });
});
