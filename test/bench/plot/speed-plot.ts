/** How fast each contender fetches, in one panel a scenario: median as a dot, least to most as a line, on a logarithmic axis. Pure. */

import { median } from '../report/statistics.ts';
import { decimal } from '../report/table.ts';
import type { Measurement, ScenarioResult } from '../result.ts';
import { type LogAxis, logAxis, tickLabel } from './log-axis.ts';
import { element, image, line, text } from './svg.ts';
import { STYLE } from './theme.ts';

const WIDTH = 1000;
const COLUMNS = 2;
const PANEL_WIDTH = WIDTH / COLUMNS;
const HEAD = 62;
const ROW = 20;
const FRAME = { left: 222, right: 78, top: 36, bottom: 44 };
const RADIUS = 4.5;
const OCTETS_PER_MEGABYTE = 1e6;
/** Messages as large as this are told by their octets. */
const LARGE_OCTETS = 20_000;

export type Role = 'subject' | 'peer' | 'reference';

/** @param roleOf by the name of a contender */
export function speedPlot(results: readonly ScenarioResult[], roleOf: (contender: string) => Role): string {
  const heights = pairs(results).map((row) => Math.max(...row.map(heightOf)));
  const tops = heights.map(
    (_, index) => HEAD + heights.slice(0, index).reduce((sum, height) => sum + height, 0),
  );
  const panels = results.map((result, index) => {
    const x = (index % COLUMNS) * PANEL_WIDTH;
    const y = tops[Math.floor(index / COLUMNS)] ?? HEAD;
    return element('g', { transform: `translate(${x} ${y})` }, ...panelOf(result, roleOf));
  });
  const height = HEAD + heights.reduce((sum, one) => sum + one, 0);
  return image(WIDTH, height, 'How fast each program fetches a maildrop', STYLE, [
    text('How fast each program fetches a maildrop: further right is faster', 20, 28, { class: 'title' }),
    text(
      'dot: median, line: slowest to fastest run, hollow: a reference that is no program for users; logarithmic axes',
      20,
      46,
      {
        class: 'muted',
      },
    ),
    ...panels,
  ]);
}

function panelOf(result: ScenarioResult, roleOf: (contender: string) => Role): string[] {
  const isLarge = result.octets / result.messages >= LARGE_OCTETS;
  const amount = isLarge ? result.octets / OCTETS_PER_MEGABYTE : result.messages;
  const speed = ({ wallSeconds }: Measurement): number => amount / wallSeconds;
  const right = PANEL_WIDTH - FRAME.right;
  const bottom = FRAME.top + namesOf(result).length * ROW;
  const axis = logAxis(result.rounds.flat().map(speed), FRAME.left, right);
  return [
    text(`${result.title}: ${isLarge ? 'MB/s' : 'messages/s'}`, 20, FRAME.top - 14, { class: 'title' }),
    ...axis.ticks.flatMap((tick) => [
      line(axis.at(tick), FRAME.top - 2, axis.at(tick), bottom, 'grid'),
      text(tickLabel(tick), axis.at(tick), bottom + 16, { class: 'muted middle' }),
    ]),
    ...namesOf(result).flatMap((name, index) => {
      const own = result.rounds.flat().filter(({ contender }) => contender === name);
      return rowOf(name, own.map(speed), FRAME.top + (index + 0.5) * ROW, axis, roleOf(name));
    }),
  ];
}

function rowOf(name: string, speeds: readonly number[], y: number, axis: LogAxis, role: Role): string[] {
  const middle = median(speeds);
  const weight = role === 'subject' ? ' strong' : '';
  return [
    text(name, FRAME.left - 12, y + 4, { class: `end${role === 'reference' ? ' muted' : weight}` }),
    line(axis.at(Math.min(...speeds)), y, axis.at(Math.max(...speeds)), y, `range ${role}`),
    element('circle', { cx: axis.at(middle), cy: y, r: RADIUS, class: `mark ${role}` }),
    text(decimal(middle, middle < 10 ? 1 : 0), PANEL_WIDTH - FRAME.right + 12, y + 4, {
      class: role === 'reference' ? 'muted' : weight.trim(),
    }),
  ];
}

function heightOf(result: ScenarioResult): number {
  return FRAME.top + namesOf(result).length * ROW + FRAME.bottom;
}

/** Fastest first. */
function namesOf({ rounds }: ScenarioResult): string[] {
  const wallOf = (name: string): number =>
    median(rounds.flat().flatMap((one) => (one.contender === name ? [one.wallSeconds] : [])));
  const names = [...new Set(rounds.flat().map(({ contender }) => contender))];
  return names.sort((a, b) => wallOf(a) - wallOf(b));
}

function pairs(results: readonly ScenarioResult[]): ScenarioResult[][] {
  const rows: ScenarioResult[][] = [];
  for (let at = 0; at < results.length; at += COLUMNS) rows.push(results.slice(at, at + COLUMNS));
  return rows;
}
