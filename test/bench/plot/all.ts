/** The plots that results give, each a file beside docs/performance.md. */
import { CONTENDERS } from '../contenders/all.ts';
import type { Plot } from '../report/document.ts';
import type { Results, ScenarioResult } from '../result.ts';
import { scalePlot } from './scale-plot.ts';
import { speedPlot } from './speed-plot.ts';

/** Scenarios in which every contender fetches the same mail from a near server. */
const FETCHING = /^(4k|realistic|large)-/;

export function plotsOf({ scenarios, scales }: Results): Plot[] {
  const fetched = scenarios.filter(
    ({ scenario, rounds }) => FETCHING.test(scenario) && rounds.flat().length > 0,
  );
  return [
    ...(fetched.length === 0 ? [] : [speed(fetched)]),
    ...scales.map((result) => ({
      name: `performance-scale-${result.scale}.svg`,
      title: `How wall time, CPU time, memory and ledger grow with the number of ${result.scale}`,
      svg: scalePlot(result),
    })),
  ];
}

function speed(results: readonly ScenarioResult[]): Plot {
  const roles = new Map([...CONTENDERS.values()].map(({ name, role }) => [name, role]));
  return {
    name: 'performance-speed.svg',
    title: 'How fast each program fetches a maildrop',
    svg: speedPlot(results, (name) => roles.get(name) ?? 'peer'),
  };
}
