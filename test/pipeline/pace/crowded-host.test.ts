/** A host that takes only so many sessions at once, and says so at its greeting or by closing. */
import { expect, it } from 'vitest';
import * as wrong from '../../../src/demo/misbehaviour.ts';
import type { Misbehaviour } from '../../../src/demo/misbehaviour-switch.ts';
import { JobBed, someMessages } from '../../support/job-bed.ts';

const users = Array.from({ length: 24 }, (_, index) => ({
  name: `user${index}`,
  password: 'secret',
  messages: someMessages(20, `user${index}`),
}));

it.each([
  ['says so', wrong.greeting('-ERR too many connections from your address')],
  ['closes the connection', wrong.stoppedAfter({ verb: 'GREETING' }, 0, 'fin')],
])(
  'Q45: with fewer places than the job has accounts for it, where it %s, archives them all in one run',
  async (_how, full) => {
    let bed: JobBed | undefined;
    const crowded: Misbehaviour = {
      ...full,
      strikes: (occasion) => full.strikes(occasion) && (bed?.server.record.openSessions ?? 0) > 2,
    };
    bed = await JobBed.make({ users, misbehaviour: [crowded] });
    await using _bed = bed;
    const result = await bed.run({ patienceMs: 60_000, limits: { accounts: 16, perHost: 8 } });
    expect(bed.eventsOf('account.finished').filter(({ outcome }) => outcome !== 'done')).toEqual([]);
    expect(result).toMatchObject({ outcome: 'done', counts: { archivedNow: 24 * 20 } });
    // Once it is known how many it takes, no more are tried at once.
    expect(bed.server.record.sessions).toBeLessThan(24 + 16);
  },
);
