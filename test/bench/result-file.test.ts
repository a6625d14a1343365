import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ScenarioResult } from './result.ts';
import { keepResults, NO_RESULTS, readResults } from './result-file.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-results-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const result = (scenario: string, messages: number): ScenarioResult => ({
  ...{ scenario, messages, title: scenario, checkout: 'abc', octets: 1, rounds: [], failures: [], notes: [] },
});

it('what is measured again takes the place of what was there, and the rest stays', () => {
  const path = join(folder, 'results.json');
  keepResults(path, { ...NO_RESULTS, facts: ['old'], scenarios: [result('a', 1), result('b', 1)] });
  keepResults(path, { ...NO_RESULTS, facts: ['new'], scenarios: [result('a', 2)] });
  const { facts, scenarios } = readResults(path);
  expect(facts).toEqual(['new']);
  expect(scenarios.map(({ scenario, messages }) => [scenario, messages])).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
});

it('a file of something else is refused', () => {
  const path = join(folder, 'other.json');
  writeFileSync(path, '{"format":1,"facts":[]}');
  expect(() => readResults(path)).toThrow('holds no results of format 1');
});
