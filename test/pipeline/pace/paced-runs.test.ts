/** Whole runs against servers that want time: what is waited for, what is never repeated, what is left to the next run. */
import { describe, expect, it } from 'vitest';
import type { DemoUser } from '../../../src/demo/demo-server.ts';
import * as wrong from '../../../src/demo/misbehaviour.ts';
import { JobBed, someMessages } from '../../support/job-bed.ts';

const user = (name: string, count = 3): DemoUser => ({
  name,
  password: 'secret',
  messages: someMessages(count, name),
});
const [alice, bob, carol] = [user('alice'), user('bob'), user('carol')];
/** The demo server listens on 127.0.0.1 alone. */
const NOWHERE = '127.0.0.2';
const logins = (bed: JobBed): number => bed.server.record.count('PASS') + bed.server.record.count('AUTH');

describe('a maildrop that is locked', () => {
  it('Q41, RFC-44: is asked for again after growing pauses, told each time, and is no wrong password', async () => {
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [wrong.inUse(4)] });
    const result = await bed.run({ patienceMs: 60_000, random: () => 0.5 });
    expect(result).toMatchObject({ outcome: 'done', counts: { archivedNow: 3 } });
    expect(bed.waits).toEqual([750, 1_500, 3_000, 6_000]);
    expect(bed.eventsOf('account.waiting')).toHaveLength(4);
    expect(bed.eventsOf('account.waiting')[0]).toMatchObject({
      account: 'alice',
      host: '127.0.0.1',
      reason: { code: 'pop3-in-use' },
    });
  });

  it('Q41: is left to the next run at the end of patience, after one last attempt there', async () => {
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [wrong.inUse()] });
    expect(await bed.run({ patienceMs: 10_000 })).toMatchObject({ outcome: 'waiting' });
    expect(bed.waits).toEqual([500, 1_000, 2_000, 4_000, 2_500]);
    expect(bed.eventsOf('account.finished')).toMatchObject([
      { outcome: 'waiting', failure: { code: 'pop3-in-use' } },
    ]);
  });

  it('Q41: is understood from its text too, where the server has no response codes', async () => {
    const lock = wrong.loginRefused('-ERR Maildrop lock busy!  Is another session active?', 2);
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [wrong.noCapa(), lock] });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'done' });
  });
});

describe('a fault of the server', () => {
  it('RFC-44: [SYS/TEMP] is tried later in the same run', async () => {
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [wrong.sysTemp(2)] });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'done' });
    expect(bed.waits).toHaveLength(2);
  });

  it('RFC-44: [SYS/PERM] is told to the operator, and the login is not sent again in this run', async () => {
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [wrong.sysPerm()] });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'failed' });
    expect(logins(bed)).toBe(1);
    expect(bed.eventsOf('account.finished')).toMatchObject([
      { failure: { code: 'pop3-sys-perm' }, hint: expect.stringContaining('operator') },
    ]);
  });
});

describe('a session that is refused behind its login', () => {
  it('RFC-44: is opened again later in the same run where the reason passes', async () => {
    const refusal = wrong.refused({ verb: 'UIDL', times: 2 }, '-ERR [SYS/TEMP] the index is being rebuilt');
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [refusal] });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 3 },
    });
    expect(bed.waits).toEqual([500, 1_000]);
  });

  it('RFC-44: is left to the next run at the end of patience', async () => {
    const refusal = wrong.refused({ verb: 'LIST' }, '-ERR [SYS/TEMP] the index is being rebuilt');
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [refusal] });
    expect(await bed.run({ patienceMs: 3_000 })).toMatchObject({ outcome: 'waiting' });
    expect(bed.waits).toEqual([500, 1_000, 1_500]);
    expect(bed.eventsOf('account.finished')).toMatchObject([{ failure: { code: 'pop3-sys-temp' } }]);
  });

  it('RFC-44: is not opened again where it does not pass', async () => {
    const refusal = wrong.refused(
      { verb: 'STAT' },
      '-ERR [SYS/PERM] Your account is not enabled for POP access',
    );
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [refusal] });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'failed' });
    expect(bed.server.record.sessions).toBe(1);
  });

  it('Q42: for having come too soon waits for its time, or keeps it for the next run', async () => {
    const refusal = wrong.refused({ verb: 'STAT' }, '-ERR login allowed only every 15 minutes');
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [{ ...refusal, times: 1 }] });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'done' });
    expect(bed.waits).toHaveLength(1);
    bed.server.misbehaviour.on(refusal);
    expect(await bed.run({ patienceMs: 0 })).toMatchObject({ outcome: 'waiting' });
    const { sessions } = bed.server.record;
    expect(await bed.run({ patienceMs: 0 })).toMatchObject({ outcome: 'waiting' });
    expect(bed.server.record.sessions).toBe(sessions);
  });
});

describe('a login that is refused', () => {
  it('RFC-44: is sent once in a run, also where two accounts of the job are the same login', async () => {
    await using bed = await JobBed.make({ users: [alice] });
    const wrongOne = bed.source({ ...alice, password: 'wrong' });
    const accounts = ['one', 'two', 'three'].map((id) => ({ ...wrongOne, id }));
    expect(await bed.run({ accounts, patienceMs: 60_000 })).toMatchObject({ outcome: 'failed' });
    expect(logins(bed)).toBe(1);
    expect(bed.eventsOf('account.finished').map(({ failure }) => failure?.code)).toEqual(
      Array(3).fill('login-refused'),
    );
  });

  it('Q46: by a connection that is cut at the login is one failure and no storm', async () => {
    const cut = wrong.stoppedAfter({ verb: ['PASS', 'AUTH', 'AUTH-RESPONSE'] }, 0, 'fin');
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [cut] });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'failed' });
    expect(bed.eventsOf('account.finished')).toMatchObject([{ failure: { code: 'login-cut' } }]);
    expect(bed.server.record.sessions).toBe(1);
    expect(bed.waits).toEqual([]);
  });

  it('Q46: a reset at the login is not repeated in this run, and is left to the next', async () => {
    const reset = wrong.stoppedAfter({ verb: ['PASS', 'AUTH', 'AUTH-RESPONSE'] }, 0, 'rst');
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [reset] });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'waiting' });
    expect(bed.server.record.sessions).toBe(1);
  });
});

describe('a time between logins', () => {
  it('Q42, RFC-72: that CAPA announces is kept by a run that starts too early, where that is within patience', async () => {
    await using bed = await JobBed.make({
      users: [alice],
      misbehaviour: [wrong.announced('LOGIN-DELAY 40')],
    });
    await bed.run({ patienceMs: 60_000 });
    expect(bed.waits).toEqual([]);
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'done' });
    expect(bed.waits).toHaveLength(1);
    expect(bed.waits[0]).toBeGreaterThan(20_000);
    expect(bed.waits[0]).toBeLessThanOrEqual(40_000);
    expect(bed.eventsOf('account.waiting')).toMatchObject([{ reason: { code: 'pop3-login-delay' } }]);
  });

  it('Q42, RFC-72: beyond patience leaves the account to the next run, with the time told and no connection made', async () => {
    const misbehaviour = [wrong.announced('LOGIN-DELAY 300')];
    await using bed = await JobBed.make({ users: [alice], misbehaviour });
    await bed.run({ patienceMs: 60_000 });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'waiting' });
    expect(bed.server.record.sessions).toBe(1);
    const [finished] = bed.eventsOf('account.finished');
    expect(finished?.failure).toMatchObject({
      code: 'pop3-login-delay',
      text: expect.stringMatching(/next login may be made at \d{4}-\d\d-\d\dT/),
    });
  });

  it("Q42, RFC-72: the user's own value, announced after login, counts more", async () => {
    const before = {
      ...wrong.announced('LOGIN-DELAY 900 USER'),
      strikes: wrong.announced('').strikes,
      times: 1,
    };
    const after = { ...wrong.announced('LOGIN-DELAY 7'), skip: 1 };
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [before, after] });
    await bed.run({ patienceMs: 60_000 });
    bed.server.misbehaviour.allOff();
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'done' });
    expect(bed.waits[0]).toBeLessThanOrEqual(7_000);
  });

  it('Q42: that is enforced without a word about its length is found by growing pauses', async () => {
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [wrong.loginDelay(3)] });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ outcome: 'done' });
    expect(bed.waits).toHaveLength(3);
  });

  it('Q42: that is enforced beyond patience is kept for the next run', async () => {
    await using bed = await JobBed.make({ users: [alice], misbehaviour: [wrong.loginDelay(1)] });
    expect(await bed.run({ patienceMs: 0 })).toMatchObject({ outcome: 'waiting' });
    expect(await bed.run({ patienceMs: 0 })).toMatchObject({ outcome: 'waiting' });
    expect(bed.server.record.sessions).toBe(1);
    expect(await bed.run({ patienceMs: 16 * 60_000 })).toMatchObject({ outcome: 'done' });
  });

  it('Q42: is kept between two sessions of one run', async () => {
    const misbehaviour = [
      wrong.announced('LOGIN-DELAY 30'),
      wrong.stoppedAfter({ verb: 'RETR', message: 2, times: 1 }, 10, 'fin'),
    ];
    await using bed = await JobBed.make({ users: [alice], misbehaviour });
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({ counts: { archivedNow: 3, failed: 0 } });
    expect(bed.waits).toHaveLength(1);
    expect(bed.waits[0]).toBeGreaterThan(20_000);
  });
});

describe('a host', () => {
  it('Q45: that refuses connections is tried a few times, and given up for all its accounts', async () => {
    await using bed = await JobBed.make({ users: [alice] });
    const users = Array.from({ length: 50 }, (_, index) => user(`user${index}`, 0));
    const accounts = users.map((one) => bed.source(one, { host: NOWHERE }));
    expect(await bed.run({ accounts, patienceMs: 60_000 })).toMatchObject({ outcome: 'waiting' });
    const codes = bed.eventsOf('account.finished').map(({ failure }) => failure?.code);
    expect(codes).toHaveLength(50);
    expect(new Set(codes)).toEqual(new Set(['connection-unreachable', 'host-given-up']));
    expect(bed.waits).toHaveLength(4);
  });

  it('Q45, Q53: that refuses at its greeting for a while slows down all its accounts, and then takes them all', async () => {
    const refusing = wrong.greeting('-ERR [SYS/TEMP] too many connections');
    const users = [alice, bob, carol];
    await using bed = await JobBed.make({ users, misbehaviour: [{ ...refusing, times: 3 }] });
    expect(await bed.run({ patienceMs: 60_000, limits: { accounts: 1, perHost: 1 } })).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 9 },
    });
    // The clock goes on between the failure and the wait for its end.
    const tenths = bed.waits.map((ms) => Math.ceil(ms / 100));
    expect(tenths).toEqual([5, 10, 20]);
    expect(bed.eventsOf('account.waiting')).toMatchObject(
      Array(3).fill({ reason: { code: 'pop3-sys-temp' } }),
    );
  });

  it.each([
    ['-ERR go away', 'pop3-refused', 'waiting'],
    ['-ERR [SYS/TEMP] later', 'pop3-sys-temp', 'waiting'],
    ['-ERR [SYS/PERM] no more POP3 here', 'pop3-sys-perm', 'failed'],
  ])('Q53: that always greets with %s leaves its accounts with the reason', async (line, code, outcome) => {
    await using bed = await JobBed.make({ users: [alice, bob], misbehaviour: [wrong.greeting(line)] });
    const limits = { accounts: 1, perHost: 1 };
    expect(await bed.run({ patienceMs: 60_000, limits })).toMatchObject({ outcome });
    const failures = bed.eventsOf('account.finished').map(({ failure }) => failure?.code);
    expect(failures).toEqual([code, 'host-given-up']);
    expect(bed.server.record.sessions).toBe(outcome === 'failed' ? 1 : 5);
  });

  it('Q53: that is silent is a timeout, and is given up like one that refuses', async () => {
    await using bed = await JobBed.make({
      users: [alice, bob],
      misbehaviour: [wrong.silent({ verb: 'GREETING' })],
    });
    const accounts = [alice, bob].map((one) => bed.source(one, { timeoutMs: 30 }));
    expect(await bed.run({ accounts, patienceMs: 60_000 })).toMatchObject({ outcome: 'waiting' });
    expect(bed.server.record.sessions).toBeLessThanOrEqual(6);
  });

  it('Q45: that fails does not slow down another one', async () => {
    await using bed = await JobBed.make({ users: [alice, bob] });
    const accounts = [bed.source(alice, { host: NOWHERE }), bed.source(bob)];
    const result = await bed.run({ accounts, patienceMs: 60_000, limits: { accounts: 1, perHost: 1 } });
    expect(result).toMatchObject({ outcome: 'waiting', counts: { archivedNow: 3 } });
    const order = bed.eventsOf('account.finished').map(({ account }) => account);
    expect(order).toEqual(['bob', 'alice']);
  });

  it('spaces the logins of all its accounts evenly by limits.loginsPerMinute', async () => {
    const users = [alice, bob, carol];
    await using bed = await JobBed.make({ users });
    const at: number[] = [];
    let now = 1_000_000;
    const accounts = users.map((one) => {
      const source = bed.source(one);
      const open: typeof source.open = (signal, options) => {
        at.push(now);
        return source.open(signal, options);
      };
      return { ...source, open };
    });
    const result = await bed.run({
      accounts,
      limits: { accounts: 8, perHost: 1, loginsPerMinute: 6 },
      now: () => now,
      sleep: async (ms) => {
        now += ms;
      },
    });
    expect(result).toMatchObject({ outcome: 'done' });
    expect(at).toEqual([1_000_000, 1_010_000, 1_020_000]);
    expect(bed.eventsOf('account.waiting')[0]).toMatchObject({ reason: { code: 'logins-per-minute' } });
  });
});

describe('a signal to stop', () => {
  it('ends every wait at once, and the run is interrupted', async () => {
    const stop = new AbortController();
    await using bed = await JobBed.make({ users: [alice, bob, carol], misbehaviour: [wrong.inUse()] });
    const result = await bed.run({
      patienceMs: 60_000,
      stopSignal: stop.signal,
      sleep: (_ms, signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
      onEvent: () => {
        if (bed.eventsOf('account.waiting').length === 3) {
          stop.abort();
        }
      },
    });
    expect(result).toMatchObject({ outcome: 'interrupted' });
    expect(bed.eventsOf('account.finished')).toMatchObject(Array(3).fill({ outcome: 'interrupted' }));
  });
});

describe('a wait', () => {
  it('holds no place: with one place for all, the others are archived while one account waits', async () => {
    const users = [alice, bob, carol];
    await using bed = await JobBed.make({ users, misbehaviour: [wrong.inUse(1)] });
    let others = (): void => undefined;
    const othersDone = new Promise<void>((resolve) => {
      others = resolve;
    });
    const result = await bed.run({
      patienceMs: 60_000,
      limits: { accounts: 1, perHost: 1 },
      sleep: () => othersDone,
      onEvent: () => {
        if (bed.eventsOf('account.finished').length === 2) {
          others();
        }
      },
    });
    expect(result).toMatchObject({ outcome: 'done', counts: { archivedNow: 9 } });
    expect(bed.eventsOf('account.finished').map(({ account }) => account)).toEqual(['bob', 'carol', 'alice']);
  });
});
