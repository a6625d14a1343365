/** A logarithmic axis: where values stand on it, and which are labelled. Pure. */

export interface LogAxis {
  /** Pixels. */
  readonly at: (value: number) => number;
  readonly least: number;
  readonly most: number;
  readonly ticks: readonly number[];
}

const STEPS = [1, 2, 5] as const;
/** More decades than this are labelled at their beginnings alone. */
const MOST_FINE_DECADES = 2;

/**
 * From `start` to `end` in pixels. The bounds are rounded outward to 1, 2 or 5 of a decade, and at least `decades` apart, so that what hardly
 * varies looks as if it hardly varied.
 */
export function logAxis(values: readonly number[], start: number, end: number, decades = 1): LogAxis {
  let least = roundedDown(Math.min(...values));
  let most = roundedUp(Math.max(...values));
  // By turns above and below, so that what is drawn stays in the middle.
  for (let isAbove = true; Math.log10(most / least) < decades - 1e-9; isAbove = !isAbove) {
    if (isAbove) most = roundedUp(most * 1.01);
    else least = roundedDown(least * 0.99);
  }
  const scale = (end - start) / Math.log(most / least);
  return { least, most, at: (value) => start + Math.log(value / least) * scale, ticks: ticksOf(least, most) };
}

/** With k and M for thousands and millions. */
export function tickLabel(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : String(Number(value.toPrecision(1)));
}

function ticksOf(least: number, most: number): number[] {
  const isFine = Math.log10(most / least) <= MOST_FINE_DECADES;
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least) + 1e-9); 10 ** power <= most * 1.001; power++) {
    for (const step of isFine ? STEPS : [1]) {
      const tick = step * 10 ** power;
      if (tick >= least * 0.999 && tick <= most * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

function roundedDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  return power * (STEPS.findLast((step) => step * power <= value * (1 + 1e-9)) ?? 1);
}

function roundedUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  return power * (STEPS.find((step) => step * power >= value * (1 - 1e-9)) ?? 10);
}
