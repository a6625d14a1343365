/** The points of a scale, put together by run and size. Pure. */
import type { ScalePoint } from '../result.ts';
import type { Sample } from '../scale/exponent.ts';
import { largest, median } from './statistics.ts';

export const SERIES = ['first archive', 'nothing new'] as const;

/** What is told of each size, and how it is found in a point. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly of: (point: ScalePoint) => number;
  /** Of all rounds of one size. */
  readonly join: (values: readonly number[]) => number;
  /** Runs in which it is looked at. */
  readonly series: readonly ScalePoint['series'][];
}

export const FIGURES: readonly Figure[] = [
  { name: 'wall time', unit: 's', of: ({ wallSeconds }) => wallSeconds, join: median, series: SERIES },
  { name: 'CPU time', unit: 's', of: ({ cpuSeconds }) => cpuSeconds, join: median, series: SERIES },
  {
    name: 'peak memory',
    unit: 'MB',
    of: ({ peakMegabytes }) => peakMegabytes,
    join: largest,
    series: SERIES,
  },
  // A run that finds nothing new adds nothing to it.
  {
    name: 'ledger after the first archive',
    unit: 'MB',
    of: ({ ledgerOctets }) => ledgerOctets / 1e6,
    join: largest,
    series: [SERIES[0]],
  },
];

/** One sample a size, in rising order. */
export function samplesOf(
  points: readonly ScalePoint[],
  series: ScalePoint['series'],
  figure: Figure,
): readonly Sample[] {
  const own = points.filter((point) => point.series === series);
  const sizes = [...new Set(own.map(({ size }) => size))].sort((a, b) => a - b);
  return sizes.map((size) => ({
    size,
    cost: figure.join(own.filter((point) => point.size === size).map(figure.of)),
  }));
}
