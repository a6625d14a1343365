/** How cost grows, in one panel a figure, both axes logarithmic. Pure. */
import { FIGURES, type Figure, SERIES, samplesOf } from '../report/scale-points.ts';
import type { ScaleResult } from '../result.ts';
import type { Sample } from '../scale/exponent.ts';
import { type LogAxis, logAxis, tickLabel } from './log-axis.ts';
import { element, image, line, text } from './svg.ts';
import { STYLE } from './theme.ts';

const WIDTH = 860;
const PANEL = { width: WIDTH / 2, height: 265 };
const HEAD = 84;
const FRAME = { left: 62, right: 24, top: 30, bottom: 52 };
const RADIUS = 3.5;
const CLASSES = ['first', 'second'] as const;
const GUIDE_LABEL = 'growing in proportion';

export function scalePlot(result: ScaleResult): string {
  const panels = FIGURES.map((figure, index) => {
    const x = (index % 2) * PANEL.width;
    const y = HEAD + Math.floor(index / 2) * PANEL.height;
    return element('g', { transform: `translate(${x} ${y})` }, ...panelOf(result, figure));
  });
  const height = HEAD + Math.ceil(FIGURES.length / 2) * PANEL.height;
  const title = `How the cost of a run grows with the number of ${result.scale}`;
  return image(WIDTH, height, title, STYLE, [
    text(title, 20, 28, { class: 'title' }),
    text(`${result.title}; both axes logarithmic`, 20, 46, { class: 'muted' }),
    ...legend(20, 70),
    ...panels,
  ]);
}

function legend(x: number, y: number): string[] {
  const entries = SERIES.flatMap((series, index) => {
    const at = x + index * 130;
    return [marker(at + 6, y - 4, index), text(series, at + 18, y)];
  });
  const at = x + SERIES.length * 130;
  return [...entries, line(at, y - 4, at + 34, y - 4, 'guide'), text(GUIDE_LABEL, at + 42, y)];
}

function panelOf(result: ScaleResult, figure: Figure): string[] {
  const series = figure.series.map((name) => samplesOf(result.points, name, figure));
  const all = series.flat();
  const [right, bottom] = [PANEL.width - FRAME.right, PANEL.height - FRAME.bottom];
  const title = text(`${figure.name}, ${figure.unit}`, FRAME.left, FRAME.top - 12, { class: 'title' });
  if (all.length === 0) return [title, text('not measured', FRAME.left, FRAME.top + 20, { class: 'muted' })];
  const x = logAxis(
    all.map(({ size }) => size),
    FRAME.left,
    right,
  );
  const y = logAxis(
    all.map(({ cost }) => cost),
    bottom,
    FRAME.top,
    2,
  );
  return [
    title,
    ...y.ticks.flatMap((tick) => [
      line(FRAME.left, y.at(tick), right, y.at(tick), 'grid'),
      text(tickLabel(tick), FRAME.left - 8, y.at(tick) + 4, { class: 'muted end' }),
    ]),
    ...x.ticks.flatMap((tick) => [
      line(x.at(tick), bottom, x.at(tick), bottom + 4, 'axis'),
      text(tickLabel(tick), x.at(tick), bottom + 18, { class: 'muted middle' }),
    ]),
    line(FRAME.left, bottom, right, bottom, 'axis'),
    text(result.scale, (FRAME.left + right) / 2, bottom + 38, { class: 'muted middle' }),
    ...guide(series[0]?.at(-1), x, y),
    ...series.flatMap((samples, index) => drawn(samples, index, x, y)),
  ];
}

/** Cost in proportion to size, through the last sample of the first series: what lies above it further left grows more slowly. */
function guide(last: Sample | undefined, x: LogAxis, y: LogAxis): string[] {
  if (last === undefined) return [];
  const each = last.cost / last.size;
  const from = Math.max(x.least, y.least / each);
  const to = Math.min(x.most, y.most / each);
  return from >= to ? [] : [line(x.at(from), y.at(from * each), x.at(to), y.at(to * each), 'guide')];
}

function drawn(samples: readonly Sample[], index: number, x: LogAxis, y: LogAxis): string[] {
  const at = samples.map(({ size, cost }) => [x.at(size), y.at(cost)] as const);
  const points = at.map(([left, top]) => `${left.toFixed(1)},${top.toFixed(1)}`).join(' ');
  return [
    element('polyline', { points, class: CLASSES[index] ?? '' }),
    ...at.map(([left, top]) => marker(left, top, index)),
  ];
}

/** Series differ in form as well as in colour. */
function marker(x: number, y: number, index: number): string {
  const kind = `mark ${CLASSES[index]}`;
  if (index === 0) return element('circle', { cx: x, cy: y, r: RADIUS + 0.5, class: kind });
  return element('rect', {
    x: x - RADIUS,
    y: y - RADIUS,
    width: 2 * RADIUS,
    height: 2 * RADIUS,
    class: kind,
  });
}
