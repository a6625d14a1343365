/**
 * The n-th file operation fails, once or from then on, for growing n until nothing fails any more; the same for the commits of
 * the ledger. After each: nothing is lost, nothing was deleted without proof, and the next run that nothing disturbs ends as
 * if nothing had been.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { Failpoint } from '../../src/errors/failpoint.ts';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import type { Outcome } from '../../src/ledger/ledger.ts';
import { ledgerError } from '../../src/ledger/ledger-error.ts';
import { type Disk, NODE_DISK } from '../../src/sink/disk.ts';
import { diskWith } from '../sink/dying-disk.ts';
import { FaultBed } from './support/fault-bed.ts';
import { FaultTally, strideOf } from './support/tally.ts';

const LONG_MS = 600_000;
const STEP = strideOf({ inChecks: 4, otherwise: 8 });
const tally = new FaultTally('failing operations');

afterAll(() => tally.print());

interface Grade {
  readonly calls: readonly (keyof Disk)[];
  readonly codes: readonly string[];
  readonly outcome: Outcome;
}

/** Which calls of the system answer so, and what it must come to. */
const GRADES: Readonly<Record<string, Grade>> = {
  ENOSPC: {
    calls: ['open', 'write', 'truncate', 'rename', 'sync', 'syncData'],
    codes: ['sink-full'],
    outcome: 'failed',
  },
  EIO: {
    calls: ['open', 'write', 'truncate', 'rename', 'unlink', 'sync', 'syncData'],
    codes: ['sink-io'],
    outcome: 'failed',
  },
  EACCES: { calls: ['open', 'rename', 'unlink'], codes: ['sink-denied'], outcome: 'failed' },
  EMFILE: { calls: ['open'], codes: ['sink-too-many-files'], outcome: 'waiting' },
};

interface Fault {
  readonly disk: Disk;
  readonly failed: () => number;
}

function failing(code: string, { calls }: Grade, nth: number, isForEver: boolean): Fault {
  let seen = 0;
  let failed = 0;
  const { disk } = diskWith((call) => {
    if (call !== 'step' && calls.includes(call)) {
      seen += 1;
      if (seen === nth || (isForEver && seen > nth)) {
        failed += 1;
        throw Object.assign(new Error(`${code}: injected at ${call}`), { code });
      }
    }
  });
  return { disk, failed: () => failed };
}

/** What a run came to, also where it threw. */
async function outcomeOf(run: Promise<{ outcome: Outcome }>): Promise<Outcome | MailferryError> {
  try {
    return (await run).outcome;
  } catch (thrown) {
    if (thrown instanceof MailferryError) {
      return thrown;
    }
    throw thrown;
  }
}

/** One run that nothing disturbs mends it all, and one more changes nothing. */
async function expectMended(bed: FaultBed): Promise<void> {
  expect(await bed.run()).toMatchObject({ outcome: 'done' });
  expect(bed.unfinished()).toEqual([]);
  const before = bed.snapshot();
  const fetched = bed.server.record.count('RETR');
  expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 0 } });
  expect([bed.snapshot(), bed.server.record.count('RETR')]).toEqual([before, fetched]);
}

const CASES = Object.entries(GRADES)
  .flatMap(([code, grade]) =>
    [false, true].map((isForEver) => ({ code, grade, isForEver, how: isForEver ? 'for ever' : 'once' })),
  )
  .map((each, index) => ({ ...each, first: firstOf(index) }));

/** Sweeps that leave steps out do not all leave out the same. */
function firstOf(index: number): number {
  return 1 + ((index * 5) % STEP);
}

describe('a file operation of a sink', () => {
  it.each(CASES)(
    '$code $how, at each place in turn: nothing is lost, nothing is twice, and the exit code says so',
    async ({ code, grade, isForEver, first }) => {
      for (let nth = first; ; nth += STEP) {
        await using bed = await FaultBed.make();
        const { disk, failed } = failing(code, grade, nth, isForEver);
        const outcome = await outcomeOf(bed.run(disk));
        const where = `${code} at ${nth}`;
        expect(bed.broken(), where).toEqual([]);
        if (failed() === 0) {
          expect(outcome, where).toBe('done');
          break;
        }
        tally.add(`${code} ${isForEver ? 'for ever' : 'once'}`);
        // Removing what is no longer needed may fail without harm.
        expect([grade.outcome, 'done'], where).toContain(outcome);
        for (const event of bed.events) {
          if (event.type === 'account.finished' && event.failure !== undefined) {
            expect(grade.codes, where).toContain(event.failure.code);
            expect(event.hint, where).toEqual(expect.any(String));
          }
        }
        await expectMended(bed);
      }
    },
    LONG_MS,
  );

  it('that fails for a full disk stops the sink: the second account is not begun, and says why', async () => {
    await using bed = await FaultBed.make();
    const { disk } = failing('ENOSPC', { calls: ['write'], codes: [], outcome: 'failed' }, 1, true);
    expect(await bed.run(disk)).toMatchObject({ outcome: 'failed' });
    expect(bed.events).toContainEqual(
      expect.objectContaining({
        type: 'account.finished',
        account: 'bob',
        failure: { code: 'sink-full', text: expect.stringContaining('not begun') },
        hint: expect.stringContaining('Make room'),
      }),
    );
    expect(bed.server.record.sessions).toBe(1);
    expect(bed.server.record.count('QUIT')).toBe(0);
  });
});

describe('a commit of the ledger', () => {
  const places = ['ledger.before-commit', 'ledger.after-commit'] as const;
  const cases = places
    .flatMap((place) => [false, true].map((isForEver) => ({ place, isForEver })))
    .map((each, index) => ({ ...each, first: firstOf(index) }));

  it.each(cases)(
    'fails at $place (for ever: $isForEver), each in turn',
    async ({ place, isForEver, first }) => {
      for (let nth = first; ; nth += STEP) {
        await using bed = await FaultBed.make();
        let seen = 0;
        const failpoint: Failpoint = (name) => {
          if (name === place && (++seen === nth || (isForEver && seen > nth))) {
            throw ledgerError(Object.assign(new Error('injected'), { code: 'SQLITE_FULL' }), 'ledger.db');
          }
        };
        const result = await outcomeOf(bed.run(NODE_DISK, { failpoint }));
        const where = `${place} ${nth}`;
        expect(bed.broken(), where).toEqual([]);
        if (seen < nth) {
          expect(result, where).toBe('done');
          break;
        }
        tally.add('commits');
        const outcome = result instanceof MailferryError ? result.code : result;
        expect(['failed', 'ledger-full'], where).toContain(outcome);
        await expectMended(bed);
      }
    },
    LONG_MS,
  );
});
