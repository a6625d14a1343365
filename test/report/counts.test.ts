import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_COUNTS } from '../../src/pipeline/counts.ts';
import { checkArithmetic, weighAccount } from '../../src/report/counts.ts';
import { countsOf, finished } from './fake-stream.ts';

const natural = fc.nat({ max: 1_000_000 });

test('counts that add up are in order, whatever they are', () => {
  fc.assert(
    fc.property(
      natural,
      natural,
      natural,
      natural,
      natural,
      (archivedNow, archivedBefore, skipped, quarantined, failed) => {
        expect(
          checkArithmetic(countsOf({ archivedNow, archivedBefore, skipped, quarantined, failed })),
        ).toBeUndefined();
      },
    ),
  );
});

test.each(['archivedNow', 'archivedBefore', 'skipped', 'quarantined', 'failed'] as const)(
  'one message too many in %s is found',
  (key) => {
    const counts = {
      ...countsOf({ archivedNow: 3, archivedBefore: 4, skipped: 5, quarantined: 6, failed: 7 }),
    };
    expect(checkArithmetic({ ...counts, [key]: counts[key] + 1 })).toContain('25 listed, but');
  },
);

test('a lost message is told with both sides of the sum', () => {
  expect(checkArithmetic({ ...NO_COUNTS, listed: 1200, archivedNow: 1199 })).toBe(
    '1,200 listed, but 1,199 archived now + 0 before + 0 skipped + 0 quarantined + 0 failed = 1,199',
  );
});

test('negative, broken and not finite counts are found', () => {
  for (const octets of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(checkArithmetic({ ...NO_COUNTS, octets })).toContain('"octets"');
  }
});

test('more messages not reached than failed are found', () => {
  expect(checkArithmetic(countsOf({ failed: 2, unreached: 3 }))).toContain('3 not reached');
});

test('an account weighs by what somebody must see', () => {
  expect(weighAccount(finished('a', {}))).toBe('nothing');
  expect(weighAccount(finished('a', { counts: { archivedNow: 1 } }))).toBe('news');
  expect(weighAccount(finished('a', { counts: { archivedNow: 1, failed: 1 } }))).toBe('trouble');
  expect(weighAccount(finished('a', { counts: { quarantined: 1 } }))).toBe('trouble');
  expect(weighAccount(finished('a', { outcome: 'waiting' }))).toBe('trouble');
  expect(weighAccount(finished('a', { counts: { listed: 5 } }))).toBe('trouble');
});
