import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DeletionCandidate,
  type DeletionRules,
  decideDeletions,
} from '../../src/pipeline/decide-deletion.ts';

const NOW = 1_000_000_000;
const RULES: DeletionRules = {
  ageMs: 0,
  max: undefined,
  maxPercent: undefined,
  keepNewest: undefined,
  keepForMs: undefined,
  keepBelowOctets: undefined,
};

function candidate(
  number: number,
  archived: Partial<DeletionCandidate['archived']> | null = {},
): DeletionCandidate {
  const facts = { rowId: number, firstSeenAt: NOW - 100, verifiedAt: NOW - 100, isIdentified: true };
  return { number, listedOctets: 10, archived: archived === null ? undefined : { ...facts, ...archived } };
}

const three = [candidate(1), candidate(2), candidate(3)];

function decide(listing: readonly DeletionCandidate[], rules: Partial<DeletionRules> = {}) {
  const { due, kept, exceededPercent } = decideDeletions(listing, { ...RULES, ...rules }, NOW);
  return { due: due.map(({ number }) => number), kept: [...kept], exceededPercent };
}

describe('decideDeletions', () => {
  it('lets go what is archived and verified, oldest first whatever the order of the listing', () => {
    expect(decide([candidate(3), candidate(1), candidate(2)]).due).toEqual([1, 2, 3]);
  });

  it('keeps what is not archived, what has no identity, and what no sink has proved', () => {
    const listing = [
      candidate(1, null),
      candidate(2, { isIdentified: false }),
      candidate(3, { verifiedAt: null }),
    ];
    expect(decide(listing)).toMatchObject({
      due: [],
      kept: [
        [1, 'not archived'],
        [2, 'ambiguous'],
        [3, 'not verified'],
      ],
    });
  });

  it.each([
    [99, [1, 2, 3]],
    [100, [1, 2, 3]],
    [101, []],
  ])('with an age of %i ms deletes %j of what was proved 100 ms ago', (ageMs, due) => {
    expect(decide(three, { ageMs }).due).toEqual(due);
  });

  it('keeps what a clock that was set back makes younger than nothing', () => {
    expect(decide([candidate(1, { verifiedAt: NOW + 5_000 })])).toMatchObject({
      due: [],
      kept: [[1, 'delete.age']],
    });
  });

  it('keeps the newest, by message number', () => {
    expect(decide(three, { keepNewest: 2 })).toMatchObject({
      due: [1],
      kept: [
        [2, 'keep.newest'],
        [3, 'keep.newest'],
      ],
    });
    expect(decide(three, { keepNewest: 0 }).due).toEqual([1, 2, 3]);
  });

  it('keeps what was first seen too recently', () => {
    expect(decide([candidate(1), candidate(2, { firstSeenAt: NOW - 99 })], { keepForMs: 100 }).due).toEqual([
      1,
    ]);
  });

  it('deletes the oldest until the maildrop is small enough, and no further', () => {
    expect(decide(three, { keepBelowOctets: 20 })).toMatchObject({
      due: [1],
      kept: [
        [2, 'keep.below'],
        [3, 'keep.below'],
      ],
    });
    expect(decide(three, { keepBelowOctets: 30 }).due).toEqual([]);
    expect(decide(three, { keepBelowOctets: 0 }).due).toEqual([1, 2, 3]);
  });

  it('deletes at most so many, oldest first, and says of the others why', () => {
    expect(decide(three, { max: 2 })).toMatchObject({ due: [1, 2], kept: [[3, 'delete.max']] });
    expect(decide(three, { max: 0 }).due).toEqual([]);
  });

  it('deletes nothing where a larger share than allowed is due, whatever max says', () => {
    const decision = decide([...three, candidate(4, null)], { maxPercent: 74, max: 1 });
    expect(decision).toMatchObject({ due: [], exceededPercent: 75 });
    expect(decide([...three, candidate(4, null)], { maxPercent: 75 }).due).toEqual([1, 2, 3]);
    expect(decide([], { maxPercent: 0 })).toMatchObject({ due: [], exceededPercent: undefined });
  });

  it('never lets go what is not archived, identified and verified, and has a place for every message', () => {
    const facts = fc.record({
      archived: fc.boolean(),
      isIdentified: fc.boolean(),
      verifiedAt: fc.option(fc.integer({ min: 0, max: 2 * NOW })),
      firstSeenAt: fc.integer({ min: 0, max: 2 * NOW }),
      listedOctets: fc.option(fc.nat()),
    });
    const limit = (max: number) => fc.option(fc.nat({ max }), { nil: undefined });
    const rules = fc.record({
      ageMs: fc.nat({ max: NOW }),
      max: limit(10),
      maxPercent: limit(100),
      keepNewest: limit(10),
      keepForMs: limit(NOW),
      keepBelowOctets: limit(1_000_000),
    });
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 12 }), rules, (many, someRules) => {
        const listing = many.map(({ archived, listedOctets, ...rest }, index) => ({
          number: index + 1,
          listedOctets,
          archived: archived ? { rowId: index, ...rest } : undefined,
        }));
        const { due, kept } = decideDeletions(listing, someRules, NOW);
        expect(due.length + kept.size).toBe(listing.length);
        for (const { number, archived } of due) {
          expect(kept.has(number)).toBe(false);
          expect(archived.isIdentified).toBe(true);
          expect(archived.verifiedAt).not.toBeNull();
          expect(NOW - (archived.verifiedAt ?? Number.NaN)).toBeGreaterThanOrEqual(someRules.ageMs);
        }
        expect(due.length).toBeLessThanOrEqual(someRules.max ?? listing.length);
      }),
    );
  });
});
