/**
 * How a cost grows: the exponent k of cost ~ size^k. 1 is linear, 0 does not grow. At small sizes the start of the program is
 * most of the cost and hides how it grows, so the largest sizes are looked at by themselves, and they decide. Pure.
 */

export interface Sample {
  readonly size: number;
  readonly cost: number;
}

export interface Growth {
  /** Least squares over all sizes, on logarithms. */
  readonly overall: number;
  /** Between the largest size and the next one that is at most a tenth of it; NaN where there is none. */
  readonly lastDecade: number;
}

/** What a linear cost may seem to have by chance. */
export const TOLERANCE = 0.1;

/** `samples` in rising order of size, one a size. */
export function growthOf(samples: readonly Sample[]): Growth {
  const points = samples.map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost) }));
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const overall =
    mean(points.map(({ x, y }) => (x - meanX) * (y - meanY))) / mean(points.map(({ x }) => (x - meanX) ** 2));
  return { overall, lastDecade: lastDecadeOf(samples) };
}

function lastDecadeOf(samples: readonly Sample[]): number {
  const last = samples.at(-1);
  const before = samples.findLast(({ size }) => last !== undefined && size * 10 <= last.size);
  if (last === undefined || before === undefined) return Number.NaN;
  return Math.log(last.cost / before.cost) / Math.log(last.size / before.size);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
