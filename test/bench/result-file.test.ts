import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ScenarioResult } from './result.ts';
import { keepResults, NO_RESULTS, readResults, requireSameFileSystem } from './result-file.ts';

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

it('figures of different file systems do not come together', () => {
  const path = join(folder, 'results.json');
  const fresh = { ...NO_RESULTS, fileSystem: 'ext4 with a journal', scenarios: [result('a', 1)] };
  requireSameFileSystem(path, 'xfs');
  keepResults(path, fresh);
  keepResults(path, fresh);
  expect(readResults(path).fileSystem).toBe('ext4 with a journal');
  const message = 'holds figures of ext4 with a journal, and these would be of xfs: choose another file';
  expect(() => requireSameFileSystem(path, 'xfs')).toThrow(message);
  expect(() => keepResults(path, { ...fresh, fileSystem: 'xfs' })).toThrow(message);
});

it('a file from before the file system was kept is read, and not added to', () => {
  const path = join(folder, 'results.json');
  writeFileSync(path, '{"format":1,"facts":["old"],"scenarios":[],"scales":[]}');
  expect(readResults(path).facts).toEqual(['old']);
  expect(() => keepResults(path, { ...NO_RESULTS, fileSystem: 'xfs' })).toThrow(
    'a file system that is not known',
  );
});

it('a file of something else is refused', () => {
  const path = join(folder, 'other.json');
  writeFileSync(path, '{"format":1,"facts":[]}');
  expect(() => readResults(path)).toThrow('holds no results of format 1');
});
