/** Raw results in a file. Parts that are measured at different times come together in one. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Results } from './result.ts';

const FORMAT = 1;
export const NO_RESULTS: Results = { format: FORMAT, facts: [], scenarios: [], scales: [] };

/** Throws where the file is not one of this bench. */
export function readResults(path: string): Results {
  const results: Partial<Results> = JSON.parse(readFileSync(path, 'utf8'));
  const { format, facts, scenarios, scales } = results;
  if (format !== FORMAT || facts === undefined || scenarios === undefined || scales === undefined)
    throw new Error(`${path} holds no results of format ${FORMAT}`);
  return { format, facts, scenarios, scales };
}

/** Adds to what the file holds. What was measured again takes the place of what was there. */
export function keepResults(path: string, fresh: Results): void {
  const known = existsSync(path) ? readResults(path) : NO_RESULTS;
  // Under another name first: a run of hours is not lost to a kill in mid-write.
  writeFileSync(`${path}.new`, `${JSON.stringify(mergeResults(known, fresh), undefined, 1)}\n`);
  renameSync(`${path}.new`, path);
}

export function mergeResults(known: Results, fresh: Results): Results {
  return {
    format: FORMAT,
    facts: fresh.facts,
    scenarios: replaced(known.scenarios, fresh.scenarios, ({ scenario }) => scenario),
    scales: replaced(known.scales, fresh.scales, ({ scale }) => scale),
  };
}

function replaced<One>(known: readonly One[], fresh: readonly One[], nameOf: (one: One) => string): One[] {
  const all = new Map([...known, ...fresh].map((one) => [nameOf(one), one]));
  return [...all.values()];
}
