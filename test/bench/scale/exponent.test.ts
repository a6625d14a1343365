import { describe, expect, it } from 'vitest';
import { growthOf } from './exponent.ts';
import { sizesUpTo } from './sizes.ts';

const samples = (cost: (size: number) => number) =>
  sizesUpTo(1000, 1_000_000).map((size) => ({ size, cost: cost(size) }));

describe('the exponent of growth', () => {
  it.each([
    [0, () => 7],
    [1, (size: number) => 3 * size],
    [2, (size: number) => size ** 2],
  ])('is %d where cost grows so', (exponent, cost) => {
    const { overall, lastDecade } = growthOf(samples(cost));
    expect([overall, lastDecade]).toEqual([expect.closeTo(exponent), expect.closeTo(exponent)]);
  });

  it('of the last decade is not hidden by a start that costs much', () => {
    const { overall, lastDecade } = growthOf(samples((size) => 100 + size ** 2 / 1e8));
    expect(overall).toBeLessThan(1);
    expect(lastDecade).toBeGreaterThan(1);
  });

  it('of the last decade cannot be told from sizes that are closer', () => {
    expect(
      growthOf([
        { size: 1, cost: 1 },
        { size: 3, cost: 3 },
      ]).lastDecade,
    ).toBeNaN();
  });
});

it('sizes go in two steps a decade and begin with the smallest', () => {
  expect(sizesUpTo(1, 1000)).toEqual([1, 3, 10, 30, 100, 300, 1000]);
  expect(sizesUpTo(1000, 20_000)).toEqual([1000, 3000, 10_000]);
  expect(sizesUpTo(1000, 10)).toEqual([1000]);
});
