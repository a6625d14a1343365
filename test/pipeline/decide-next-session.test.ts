import { describe, expect, it } from 'vitest';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import type { WantedMessage } from '../../src/pipeline/classify-listing.ts';
import {
  canBreakAgain,
  decideNextSession,
  firstSession,
  MAX_BROKEN,
  MAX_FRUITLESS,
  MAX_SESSIONS,
  MAX_TOP_BREAKS,
  type SessionEnd,
  type SessionPlan,
} from '../../src/pipeline/decide-next-session.ts';
import { decidePipelining } from '../../src/pipeline/decide-pipelining.ts';
import { ConnectionError, ProtocolError } from '../../src/pop3/errors.ts';

const wanted = (number: number): WantedMessage => ({
  kind: 'new',
  number,
  uidl: `uid-${number}`,
  listedOctets: 80,
  rowId: undefined,
});

const closed = new ConnectionError('the server closed the connection', { failure: 'closed' });
const first = firstSession(decidePipelining(undefined, 0));
const calm = { drain: 'auto', isStopping: false } as const;
const YIELD = { listed: 20, settledBefore: 0, gained: 20, failed: 0, deleted: 0 };

const complete = (over: Partial<typeof YIELD> = {}): SessionEnd => ({ kind: 'complete', ...YIELD, ...over });

const broken = (over: Partial<Extract<SessionEnd, { kind: 'broken' }>> = {}): SessionEnd => ({
  ...YIELD,
  gained: 7,
  kind: 'broken',
  cause: closed,
  at: wanted(8),
  answersAhead: 0,
  lostAhead: 0,
  ...over,
});

/** The plan of the next session. */
function again(plan: SessionPlan, end: SessionEnd): SessionPlan {
  const next = decideNextSession(plan, end, calm);
  if (next.kind !== 'again') {
    throw new Error(`no other session, but ${next.kind}`);
  }
  return next.plan;
}

describe('whether an account needs another session', () => {
  it('needs none where all that was wanted was fetched', () => {
    expect(decideNextSession(first, complete(), calm)).toEqual({ kind: 'none' });
  });

  it('needs one where the budget was spent, as it was opened before', () => {
    expect(again(first, { ...complete(), kind: 'spent' })).toEqual({ ...first, session: 2, why: 'budget' });
  });

  it('stops where a budget let nothing through, and where the day’s is spent', () => {
    const nothing: SessionEnd = { ...complete({ gained: 0 }), kind: 'spent' };
    expect(decideNextSession(first, nothing, calm)).toMatchObject({
      kind: 'stop',
      cause: { code: 'account-sessions' },
    });
    const cause = new MailferryError('spent', { code: 'budget-day', scope: 'account', retry: 'later' });
    expect(decideNextSession(first, { ...complete(), kind: 'day-spent', cause }, calm)).toEqual({
      kind: 'stop',
      cause,
    });
  });

  it('Q33: goes on where a session broke at TOP, and says so from the second on', () => {
    const atTop = broken({ gained: 0, at: undefined, isAtTop: true });
    const second = again(first, atTop);
    const third = again(second, atTop);
    expect([second.topBreaks, third.topBreaks]).toEqual([1, MAX_TOP_BREAKS]);
    expect(again(third, { ...complete(), kind: 'spent' })).toMatchObject({ topBreaks: MAX_TOP_BREAKS });
    expect(decideNextSession(third, broken({ gained: 0, at: undefined }), calm)).toMatchObject({
      kind: 'stop',
    });
  });

  it('opens none when the run is to stop', () => {
    const stopping = { drain: 'always', isStopping: true } as const;
    expect(decideNextSession(first, complete(), stopping)).toEqual({ kind: 'none' });
    expect(decideNextSession(first, { ...complete(), kind: 'spent' }, stopping)).toEqual({ kind: 'none' });
    expect(decideNextSession(first, broken(), stopping)).toEqual({ kind: 'stop', cause: closed });
  });

  it('never opens more than so many, nor more broken ones, nor more in a row that come no further', () => {
    const stop = { kind: 'stop', cause: closed };
    const spent: SessionEnd = { ...complete(), kind: 'spent' };
    expect(decideNextSession({ ...first, session: MAX_SESSIONS }, spent, calm)).toMatchObject({
      kind: 'stop',
    });
    expect(decideNextSession({ ...first, session: MAX_SESSIONS }, broken(), calm)).toEqual(stop);
    expect(decideNextSession({ ...first, broken: MAX_BROKEN - 1 }, broken(), calm)).toEqual(stop);
    const nothing = broken({ gained: 0 });
    expect(decideNextSession({ ...first, fruitless: MAX_FRUITLESS - 1 }, nothing, calm)).toEqual(stop);
    expect(again({ ...first, fruitless: MAX_FRUITLESS - 1 }, broken()).fruitless).toBe(0);
  });
});

describe('after a session that broke', () => {
  it('RFC-50: asks for the message at which it broke first and alone', () => {
    expect(again(first, broken())).toMatchObject({
      session: 2,
      why: 'broken',
      suspect: wanted(8),
      broken: 1,
    });
  });

  it('rules a message out at which it broke twice, under whatever number, and no other', () => {
    const plan = { ...first, suspect: wanted(8) };
    const next = decideNextSession(plan, broken({ gained: 0, at: { ...wanted(8), number: 1 } }), calm);
    expect(next).toMatchObject({
      kind: 'again',
      ruledOut: { uidl: 'uid-8' },
      plan: { suspect: undefined, fruitless: 1 },
    });
    const other = decideNextSession(plan, broken({ at: wanted(9) }), calm);
    expect(other).toMatchObject({ kind: 'again', ruledOut: undefined, plan: { suspect: wanted(9) } });
  });

  it('goes on where it broke at no message, as long as sessions come further', () => {
    expect(again(first, broken({ at: undefined })).suspect).toBeUndefined();
    const nothing = broken({ at: undefined, gained: 0 });
    expect(decideNextSession(first, nothing, calm)).toEqual({ kind: 'stop', cause: closed });
  });

  it('Q49: goes on without pipelining where several commands were in flight, though nothing came', () => {
    const plan = again(first, broken({ at: undefined, gained: 0, lostAhead: 2 }));
    expect(plan.pipelining).toMatchObject({ kind: 'blamed', reason: closed.message });
  });

  it('Q49: gives up where it breaks without pipelining just as well, and nothing comes', () => {
    const end = broken({ at: undefined, gained: 0, lostAhead: 2 });
    const second = again(first, end);
    const unpipelined = broken({ at: undefined, gained: 0 });
    expect(decideNextSession(second, unpipelined, calm)).toEqual({ kind: 'stop', cause: closed });
  });

  it.each([
    [closed, true],
    [new ConnectionError('the server was silent', { failure: 'silent' }), true],
    [new ProtocolError('neither +OK nor -ERR'), true],
    [new ConnectionError('connecting failed', { failure: 'unreachable' }), false],
    [new ConnectionError('the session was interrupted', { failure: 'aborted' }), false],
    [new Error('a defect'), false],
  ])('another session may do better after "%s": %s', (cause, expected) => {
    expect(canBreakAgain(cause)).toBe(expected);
  });
});

describe('a server that may show a window of the mailbox', () => {
  it('Q14: is looked at again until a login gains nothing', () => {
    const second = again(first, complete({ listed: 250, gained: 250 }));
    expect(second).toMatchObject({ why: 'drain', isDrainProven: false });
    const third = again(second, complete({ listed: 130, gained: 130 }));
    expect(third).toMatchObject({ why: 'drain', isDrainProven: true });
    expect(decideNextSession(third, complete({ listed: 0, gained: 0 }), calm)).toEqual({ kind: 'none' });
  });
});
