/** How cost grows, as a Markdown section. Pure. */
import type { ScaleResult } from '../result.ts';
import { growthOf, TOLERANCE } from '../scale/exponent.ts';
import { FIGURES, SERIES, samplesOf } from './scale-points.ts';
import { largest, median } from './statistics.ts';
import { decimal, markdownTable, withRange } from './table.ts';

const MS_PER_SECOND = 1000;
const LINEAR = 1;

export function scaleSection(result: ScaleResult): string {
  const { scale, title, checkout, failures } = result;
  const parts = [
    `### Scale: ${title}`,
    `Commit ${checkout}; \`--scale ${scale}\`.`,
    costTable(result),
    'How each figure grows, as the exponent of size: 1 is linear, 0 does not grow. The last decade decides, since at small sizes the start of the program hides it.',
    growthTable(result),
    ...failures.map(({ contender, reason }) => `- ${contender} failed: ${reason}`),
  ];
  return parts.join('\n\n');
}

function costTable({ scale, messagesPerUnit, points }: ScaleResult): string {
  const rows = SERIES.flatMap((series) => {
    const own = points.filter((point) => point.series === series);
    const sizes = [...new Set(own.map(({ size }) => size))];
    return sizes.map((size) => {
      const runs = own.filter((point) => point.size === size);
      const wall = runs.map(({ wallSeconds }) => wallSeconds);
      const ledger = largest(runs.map(({ ledgerOctets }) => ledgerOctets));
      return [
        series,
        decimal(size, 0),
        String(runs.length),
        withRange(wall, 2),
        decimal((median(wall) * MS_PER_SECOND) / size, 3),
        decimal(median(runs.map(({ cpuSeconds }) => cpuSeconds)), 2),
        decimal(largest(runs.map(({ peakMegabytes }) => peakMegabytes)), 0),
        decimal(ledger / (size * messagesPerUnit), 0),
      ];
    });
  });
  const each = `ms ${scale === 'accounts' ? 'an account' : 'a message'}`;
  const header = ['run', scale, 'runs', 'wall s', each, 'CPU s', 'peak MB', 'ledger octets a message'];
  return markdownTable(header, rows);
}

function growthTable({ points }: ScaleResult): string {
  const rows = SERIES.flatMap((series) =>
    FIGURES.filter((figure) => figure.series.includes(series)).map((figure) => {
      const { overall, lastDecade } = growthOf(samplesOf(points, series, figure));
      return [series, figure.name, decimal(overall, 2), decimal(lastDecade, 2), verdictOf(lastDecade)];
    }),
  );
  return markdownTable(['run', 'figure', 'exponent, all sizes', 'last decade', ''], rows);
}

function verdictOf(exponent: number): string {
  if (!Number.isFinite(exponent)) return 'too few sizes';
  return exponent <= LINEAR + TOLERANCE ? 'linear or better' : 'WORSE THAN LINEAR';
}
