import { describe, expect, it } from 'vitest';
import type { Measurement, ScenarioResult } from '../result.ts';
import { idealSeconds } from '../scenarios/ideal.ts';
import { BEGIN, END, withGenerated } from './document.ts';
import { scenarioSection } from './scenario-section.ts';
import { median, speedRatios } from './statistics.ts';
import { decimal, withRange } from './table.ts';
import { judge } from './target.ts';
import { targetTable } from './target-table.ts';

const run = (contender: string, wallSeconds: number, peakMegabytes = 50): Measurement => ({
  ...{ contender, wallSeconds, cpuSeconds: 1, serverCpuSeconds: 0.5, peakMegabytes, completeness: 'yes' },
});

const result: ScenarioResult = {
  ...{ scenario: 'large-mbox-plaintext', title: '25 MB each', checkout: 'abc', messages: 1000, octets: 2e6 },
  rounds: [
    [run('mailferry', 2), run('mpop', 4), run('fdm', 40)],
    [run('mailferry', 1, 160), run('mpop', 3)],
  ],
  failures: [{ contender: 'getmail6', reason: 'getmail ended with 127: no' }],
  notes: [],
};

describe('figures of many runs', () => {
  it('have a median, and NaN where nothing was measured', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([])]).toEqual([2, 2.5, Number.NaN]);
  });

  it('are compared within a round, and only where both ran', () => {
    expect(speedRatios(result.rounds, 'mailferry', ['mpop'])).toEqual([2, 3]);
    expect(speedRatios(result.rounds, 'fdm', ['mpop'])).toEqual([0.1]);
  });

  it('are compared with the fastest of several', () => {
    expect(speedRatios(result.rounds, 'mailferry', ['fdm', 'mpop'])).toEqual([2, 3]);
  });

  it('are told with commas, and with their range where there are several', () => {
    expect([decimal(1_234_567.891, 1), decimal(999, 0), decimal(Number.NaN, 2)]).toEqual([
      '1,234,567.9',
      '999',
      '–',
    ]);
    expect([withRange([2, 1, 3], 1), withRange([2], 1), withRange([], 1)]).toEqual([
      '2.0 (1.0 to 3.0)',
      '2.0',
      '–',
    ]);
  });
});

describe('a target', () => {
  const judged = (figure: 'speed' | 'peak MB', goal: number, must?: number) =>
    judge(result, { figure, goal, ...(must !== undefined && { must }) }, 'mailferry', ['mpop']).verdict;

  it('of speed wants the ratio to be high', () => {
    expect([judged('speed', 2.5), judged('speed', 3, 2), judged('speed', 4, 3)]).toEqual([
      ...['goal reached', 'enough', 'MISSED'],
    ]);
  });

  it('of memory is judged by the largest peak', () => {
    expect([judged('peak MB', 160), judged('peak MB', 150, 200), judged('peak MB', 150)]).toEqual([
      ...['goal reached', 'enough', 'MISSED'],
    ]);
  });

  it('is not measured where mailferry did not run', () => {
    const { verdict } = judge({ ...result, rounds: [] }, { figure: 'ms', goal: 80 }, 'mailferry', []);
    expect(verdict).toBe('not measured');
  });

  it('stands in the table with what was measured', () => {
    expect(targetTable([result])?.split('\n').slice(2)).toEqual([
      '| 1,000 messages, 25 MB each | speed against mpop | 2.50 | 1.00 | 0.80 | goal reached |',
      '| 1,000 messages, 25 MB each | peak MB | 160 | 150 | 200 | enough |',
    ]);
  });
});

describe('the section of a scenario', () => {
  it('has a row for each contender, and says who failed', () => {
    expect(scenarioSection(result).split('\n').slice(4)).toEqual([
      '| contender | runs | wall s | messages/s | MB/s | CPU s | server CPU s | peak MB | speed against mpop | complete |',
      '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
      '| mailferry | 2 | 1.50 (1.00 to 2.00) | 667 | 1.3 | 1.00 | 0.50 | 160 | 2.50 (2.00 to 3.00) | yes |',
      '| mpop | 2 | 3.50 (3.00 to 4.00) | 286 | 0.6 | 1.00 | 0.50 | 50 | 1 | yes |',
      '| fdm | 1 | 40.00 | 25 | 0.1 | 1.00 | 0.50 | 50 | 0.10 | yes |',
      '',
      '- getmail6 failed: getmail ended with 127: no',
    ]);
  });

  it('tells milliseconds where no messages are fetched', () => {
    const start = { ...result, scenario: 'start', messages: 0, octets: 0 };
    expect(scenarioSection(start)).toContain('| contender | runs | wall ms | CPU s |');
  });
});

it('the ideal of a distant server is seven round trips and the transfer', () => {
  expect(idealSeconds(50, 0.25)).toBeCloseTo(0.6);
});

it('only what stands between the markers of the document is replaced', () => {
  const document = `by hand\n${BEGIN}\nold\n${END}\nby hand too\n`;
  expect(withGenerated(document, 'new')).toBe(`by hand\n${BEGIN}\n\nnew\n\n${END}\nby hand too\n`);
  expect(() => withGenerated('no markers', 'new')).toThrow('lacks the lines');
});
