/** What many runs come to. Pure. */
import type { Measurement } from '../result.ts';

/** NaN where there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** NaN where there is none. */
export function largest(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : Math.max(...values);
}

/** One ratio for each round in which both ran: how many times as fast as the fastest of `yardstick` in the same round. */
export function speedRatios(
  rounds: readonly (readonly Measurement[])[],
  name: string,
  yardstick: readonly string[],
): number[] {
  return rounds.flatMap((round) => {
    const own = round.find(({ contender }) => contender === name);
    const others = round.filter(({ contender }) => yardstick.includes(contender));
    if (own === undefined || others.length === 0) return [];
    return [Math.min(...others.map(({ wallSeconds }) => wallSeconds)) / own.wallSeconds];
  });
}
