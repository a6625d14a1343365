/** Turns measurements into Markdown. Pure. */
import type { Cost } from './measure.ts';

/** What one contender did in one run of one scenario. */
export interface Measurement extends Cost {
  readonly contender: string;
  readonly serverCpuSeconds: number;
}

export interface Amount {
  readonly messages: number;
  readonly octets: number;
}

const HEADER = [
  'contender',
  'messages/s',
  'MB/s',
  'CPU s',
  'server CPU s',
  'peak MB',
  'speed against',
] as const;

/**
 * One row a contender: medians, with min to max in brackets. `rounds` holds for each round one measurement a contender;
 * speeds are compared within a round, since the machine changes between rounds.
 */
export function scenarioTable(
  rounds: readonly (readonly Measurement[])[],
  amount: Amount,
  yardstick: string,
): string {
  const names = [...new Set(rounds.flat().map((one) => one.contender))];
  const rows = names.map((name) => {
    const own = rounds.flatMap((round) => round.filter((one) => one.contender === name));
    const over = (value: (one: Measurement) => number) => own.map(value);
    return [
      name,
      withRange(
        over((one) => amount.messages / one.wallSeconds),
        0,
      ),
      withRange(
        over((one) => amount.octets / 1e6 / one.wallSeconds),
        1,
      ),
      median(over((one) => one.cpuSeconds)).toFixed(2),
      median(over((one) => one.serverCpuSeconds)).toFixed(2),
      median(over((one) => one.peakMegabytes)).toFixed(0),
      name === yardstick ? '1' : withRange(speedRatios(rounds, name, yardstick), 2),
    ];
  });
  const header = [...HEADER.slice(0, -1), `${HEADER.at(-1)} ${yardstick}`];
  return markdownTable(header, rows);
}

export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const align = header.map((_, column) => (column === 0 ? '---' : '---:'));
  return [header, align, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function speedRatios(rounds: readonly (readonly Measurement[])[], name: string, yardstick: string): number[] {
  return rounds.flatMap((round) => {
    const own = round.find((one) => one.contender === name);
    const other = round.find((one) => one.contender === yardstick);
    return own === undefined || other === undefined ? [] : [other.wallSeconds / own.wallSeconds];
  });
}

export function withRange(values: readonly number[], digits: number): string {
  if (values.length === 0) return 'none';
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}
