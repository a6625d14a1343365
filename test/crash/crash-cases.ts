/**
 * A crash case: the program is killed at one step, perhaps once more in the run that resumes, then left in peace; what it
 * comes to must be what an undisturbed run comes to. What is killed is a process of its own; what runs in peace is not, since
 * that takes a third of the time.
 */
import { expect } from 'vitest';
import { tellFigure } from '../support/figures.ts';
import { inLanes } from '../support/lanes.ts';
import { CrashBed, type CrashOptions, type EndState } from './crash-bed.ts';

export interface Crash {
  /** What MAILFERRY_FAILPOINT says; empty where something else kills. */
  readonly failpoint: string;
  readonly options?: CrashOptions;
}

/** The crashes of one case, in order. */
export type CrashCase = readonly Crash[];

export interface CrashFigures {
  cases: number;
  kills: number;
  /** Cases that were killed twice. */
  pairs: number;
  /** Crashes that were never met, since the run that should have died had less to do. */
  unmet: number;
  /** How often a DELE was held against ledger and sinks. */
  deletions: number;
}

export const at = (...failpoints: readonly string[]): CrashCase =>
  failpoints.map((failpoint) => ({ failpoint: `kill@${failpoint}` }));

/** What an undisturbed run comes to, and how often it passes each place. */
export async function runUndisturbed(): Promise<{ end: EndState; passed: Readonly<Record<string, number>> }> {
  await using bed = await CrashBed.make();
  const passed = await bed.countFailpoints();
  return { end: await bed.settle(), passed };
}

/** Runs all cases, several at a time. The failpoints of the case that failed are in the failure. */
export async function runCases(cases: readonly CrashCase[], expected: EndState): Promise<CrashFigures> {
  const figures: CrashFigures = { cases: 0, kills: 0, pairs: 0, unmet: 0, deletions: 0 };
  await inLanes(cases, async (crashes) => {
    const name = crashes
      .map(({ failpoint, options }) => failpoint || options?.under?.join(' '))
      .join(', then ');
    await using bed = await CrashBed.make();
    try {
      let kills = 0;
      for (const { failpoint, options } of crashes) {
        kills += (await bed.runAndDie(failpoint, options)) ? 1 : 0;
      }
      expect(await bed.settle()).toEqual(expected);
      figures.cases += 1;
      figures.kills += kills;
      figures.pairs += kills > 1 ? 1 : 0;
      figures.unmet += crashes.length - kills;
      figures.deletions += bed.oracle.checkedDeletions;
    } catch (thrown) {
      throw new Error(`killed at ${name}`, { cause: thrown });
    }
  });
  return figures;
}

export function tellFigures(suite: string, { cases, kills, pairs, unmet, deletions }: CrashFigures): void {
  tellFigure(
    `${suite}: ${kills} kills (${unmet} never met) in ${cases} cases, ${pairs} killed twice, ` +
      `${2 * cases} undisturbed runs after them, ${deletions} DELE held against ledger and sinks`,
  );
}
