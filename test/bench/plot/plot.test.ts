import { describe, expect, it } from 'vitest';
import type { ScalePoint, ScenarioResult } from '../result.ts';
import { plotsOf } from './all.ts';
import { logAxis, tickLabel } from './log-axis.ts';
import { element, text } from './svg.ts';

describe('a logarithmic axis', () => {
  it('is rounded outward to 1, 2 or 5 of a decade, and labelled there', () => {
    const { least, most, ticks, at } = logAxis([3, 40], 0, 100);
    expect([least, most]).toEqual([2, 50]);
    expect(ticks).toEqual([2, 5, 10, 20, 50]);
    expect([at(2), at(10), at(50)]).toEqual([0, 50, 100].map((pixel) => expect.closeTo(pixel)));
  });

  it('may run from the bottom upward', () => {
    const { at } = logAxis([1, 100], 200, 0);
    expect([at(1), at(10), at(100)]).toEqual([200, 100, 0].map((pixel) => expect.closeTo(pixel)));
  });

  it('labels only whole decades where there are many', () => {
    expect(logAxis([130, 60_000], 0, 1).ticks).toEqual([100, 1000, 10_000, 100_000]);
  });

  it('shows what hardly varies as what hardly varies', () => {
    const { least, most } = logAxis([80, 82], 0, 1, 2);
    expect(most / least).toBeGreaterThanOrEqual(100);
    expect([least, most]).toEqual([10, 1000]);
  });

  it('writes k and M', () => {
    expect([0.02, 0.5, 7, 200, 5000, 1e6].map(tickLabel)).toEqual(['0.02', '0.5', '7', '200', '5 k', '1 M']);
  });
});

it('text in a plot cannot break out of it', () => {
  expect(text('a < b & c', 1, 2.345)).toBe('<text x="1" y="2.3">a &lt; b &amp; c</text>');
  expect(element('g', { class: '"' })).toBe('<g class="&quot;"/>');
});

describe('plots', () => {
  const run = (contender: string, wallSeconds: number) => ({
    ...{ contender, wallSeconds, cpuSeconds: 1, serverCpuSeconds: 1 },
  });
  const scenario: ScenarioResult = {
    ...{ scenario: '4k-mbox-tls', title: '4 KB each, mbox', checkout: 'abc', messages: 1000, octets: 4e6 },
    ...{ rounds: [[run('mpop', 4), run('mailferry', 1)]], failures: [], notes: [] },
  };
  const point = (series: ScalePoint['series'], size: number): ScalePoint => ({
    ...{ series, size, wallSeconds: size / 1000, cpuSeconds: 1, peakMegabytes: 80, ledgerOctets: size * 200 },
  });
  const scale = {
    ...({ scale: 'messages', title: 'messages', checkout: 'abc', messagesPerUnit: 1, failures: [] } as const),
    points: [1000, 10_000].flatMap((size) => [point('first archive', size), point('nothing new', size)]),
  };
  const [speed, growth] = plotsOf({ format: 1, facts: [], scenarios: [scenario], scales: [scale] });

  it('show every contender with its median, the fastest first', () => {
    expect(speed?.name).toBe('performance-speed.svg');
    const labels = [...(speed?.svg ?? '').matchAll(/<text[^>]*>(mailferry|mpop|1,000|250)</g)].map(
      ([, label]) => label,
    );
    expect(labels).toEqual(['mailferry', '1,000', 'mpop', '250']);
  });

  it('show how each figure grows', () => {
    expect(growth?.name).toBe('performance-scale-messages.svg');
    expect(growth?.svg.match(/<polyline/g)).toHaveLength(7);
    expect(growth?.svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('are drawn of what there is', () => {
    expect(plotsOf({ format: 1, facts: [], scenarios: [{ ...scenario, rounds: [] }], scales: [] })).toEqual(
      [],
    );
  });
});
