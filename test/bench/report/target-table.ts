/** What there is to reach and what was reached, of all scenarios in one table. Pure. */
import type { ScenarioResult } from '../result.ts';
import { judgementOf } from '../scenarios/judgements.ts';
import { SUBJECT } from '../scenarios/names.ts';
import { decimal, markdownTable } from './table.ts';
import { judge, type Target } from './target.ts';

const HEADER = ['scenario', 'figure of mailferry', 'measured', 'goal', 'must', ''] as const;

/** Undefined where none of the scenarios has a target. */
export function targetTable(results: readonly ScenarioResult[]): string | undefined {
  const rows = results.flatMap((result) => {
    const { yardstick, targets } = judgementOf(result.scenario);
    const against = yardstick.length === 1 ? yardstick[0] : 'the fastest peer';
    return targets.map((target) => {
      const { measured, verdict } = judge(result, target, SUBJECT, yardstick);
      const figure = target.figure === 'speed' ? `speed against ${against}` : target.figure;
      const { goal, must } = target;
      return [
        describe(result),
        figure,
        told(target, measured),
        told(target, goal),
        must === undefined ? '–' : told(target, must),
        verdict,
      ];
    });
  });
  return rows.length === 0 ? undefined : markdownTable(HEADER, rows);
}

function describe({ title, messages }: ScenarioResult): string {
  return messages === 0 ? title : `${decimal(messages, 0)} messages, ${title}`;
}

function told({ figure }: Target, value: number): string {
  return decimal(value, figure === 'speed' || figure === 's above the ideal' ? 2 : 0);
}
