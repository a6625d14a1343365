/** What a scenario has to reach, and whether it did. Pure. */
import type { ScenarioResult } from '../result.ts';
import { largest, median, speedRatios } from './statistics.ts';

export interface Target {
  /** How the measured figure is read. `speed` wants to be high, all others low. */
  readonly figure: 'speed' | 'peak MB' | 'ms' | 's above the ideal';
  readonly goal: number;
  /** Undefined where only the goal is named. */
  readonly must?: number;
}

export interface Judged extends Target {
  readonly measured: number;
  readonly verdict: 'goal reached' | 'enough' | 'MISSED' | 'not measured';
}

const MS_PER_SECOND = 1000;

/** Medians of all rounds, of peaks the largest; speeds against the fastest of `yardstick` in each round. */
export function judge(
  result: ScenarioResult,
  target: Target,
  subject: string,
  yardstick: readonly string[],
): Judged {
  const measured = figureOf(result, target.figure, subject, yardstick);
  return { ...target, measured, verdict: verdictOf(target, measured) };
}

function figureOf(
  { rounds, idealSeconds }: ScenarioResult,
  figure: Target['figure'],
  subject: string,
  yardstick: readonly string[],
): number {
  const own = rounds.flat().filter(({ contender }) => contender === subject);
  const wall = median(own.map(({ wallSeconds }) => wallSeconds));
  switch (figure) {
    case 'speed':
      return median(speedRatios(rounds, subject, yardstick));
    case 'peak MB':
      return largest(own.flatMap(({ peakMegabytes }) => peakMegabytes ?? []));
    case 'ms':
      return wall * MS_PER_SECOND;
    case 's above the ideal':
      return wall - (idealSeconds ?? Number.NaN);
  }
}

function verdictOf({ figure, goal, must }: Target, measured: number): Judged['verdict'] {
  if (Number.isNaN(measured)) return 'not measured';
  const reaches = (wanted: number): boolean => (figure === 'speed' ? measured >= wanted : measured <= wanted);
  if (reaches(goal)) return 'goal reached';
  return must !== undefined && reaches(must) ? 'enough' : 'MISSED';
}
