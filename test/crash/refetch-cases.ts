/** `run --refetch missing` killed at one step, resumed, and compared with one that nothing disturbed. */
import { expect } from 'vitest';
import { inLanes } from '../support/lanes.ts';
import { type HealedState, RefetchBed } from './refetch-bed.ts';

/** What an undisturbed one comes to, and how often it passes each place. */
export async function refetchUndisturbed(): Promise<{
  end: HealedState;
  passed: Readonly<Record<string, number>>;
}> {
  await using bed = await RefetchBed.make();
  const { stderr } = await bed.run('count');
  const counted = stderr.split('\n').find((line) => line.startsWith('{"failpoints"'));
  return { end: await bed.settle(), passed: JSON.parse(counted ?? '{}').failpoints };
}

/** @returns how many were killed: a run may have less to do than was counted */
export async function runRefetchCases(places: readonly string[], expected: HealedState): Promise<number> {
  let kills = 0;
  await inLanes(places, async (place) => {
    await using bed = await RefetchBed.make();
    try {
      const { wasKilled } = await bed.run(`kill@${place}`);
      kills += wasKilled ? 1 : 0;
      expect(await bed.settle()).toEqual(expected);
    } catch (thrown) {
      throw new Error(`refetching, killed at ${place}`, { cause: thrown });
    }
  });
  return kills;
}
