/** A clock that jumps back and forth: nothing waits longer for it, nothing is deleted too early after it was set back. */
import { describe, expect, it } from 'vitest';
import { inUse } from '../../src/demo/misbehaviour.ts';
import { DELETE_ALL, FaultBed } from './support/fault-bed.ts';

const USERS = ['alice'];
const DAY_MS = 86_400_000;
/** The year 2100. */
const LATEST_MS = 4_102_444_800_000;
const HOUR_OLD = { deletion: { ...DELETE_ALL, ageMs: 3_600_000 } };

/** Jumps at each look: a day ahead, a day back, to 1970, to the year 2100. */
function jumpingClock(): () => number {
  const places = [Date.now(), Date.now() + DAY_MS, Date.now() - DAY_MS, 0, LATEST_MS];
  let looks = 0;
  return () => places[looks++ % places.length] ?? 0;
}

describe('a clock that jumps', () => {
  it('disturbs no run, and makes no duration negative', async () => {
    await using bed = await FaultBed.make();
    expect(await bed.run(undefined, { now: jumpingClock() })).toMatchObject({ outcome: 'done' });
    const durations = bed.events.flatMap((event) => ('durationMs' in event ? [event.durationMs] : []));
    expect(durations).toHaveLength(3);
    expect(Math.min(...durations)).toBeGreaterThanOrEqual(0);
    expect(bed.broken()).toEqual([]);
    // What was proved in a future by that clock is deleted when it has come, not before.
    expect(await bed.run(undefined, { now: () => LATEST_MS })).toMatchObject({ outcome: 'done' });
    expect(bed.unfinished()).toEqual([]);
  });

  it('and is set back after a proof leaves the message on the server until it is old enough again', async () => {
    await using bed = await FaultBed.make({ users: USERS });
    const ahead = Date.now() + 30 * DAY_MS;
    expect(await bed.run(undefined, { ...HOUR_OLD, now: () => ahead })).toMatchObject({ outcome: 'done' });
    expect(await bed.run(undefined, HOUR_OLD)).toMatchObject({ outcome: 'done' });
    expect(bed.server.mailbox('alice').entries).toHaveLength(5);
    await bed.run(undefined, { ...HOUR_OLD, now: () => ahead + DAY_MS });
    expect(bed.unfinished()).toEqual([]);
  });

  it('Q41: back while a locked maildrop is waited for does not make the wait longer', async () => {
    await using bed = await FaultBed.make({ users: USERS, misbehaviour: [inUse()] });
    let now = Date.now();
    const goingBack = (): number => {
      now -= DAY_MS;
      return now;
    };
    const result = await bed.run(undefined, { now: goingBack, patienceMs: 600 });
    expect(result).toMatchObject({ outcome: 'waiting' });
    expect(
      bed.server.record.count('PASS') + bed.server.record.count('APOP') + bed.server.record.count('AUTH'),
    ).toBe(3);
  });
});
