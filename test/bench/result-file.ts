/** Raw results in a file. Parts that are measured at different times come together in one. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Results } from './result.ts';

const FORMAT = 1;
export const NO_RESULTS: Results = { format: FORMAT, facts: [], scenarios: [], scales: [] };

/** Throws where the file is not one of this bench. */
export function readResults(path: string): Results {
  const results: Partial<Results> = JSON.parse(readFileSync(path, 'utf8'));
  const { format, facts, fileSystem, scenarios, scales } = results;
  if (format !== FORMAT || facts === undefined || scenarios === undefined || scales === undefined)
    throw new Error(`${path} holds no results of format ${FORMAT}`);
  return { format, facts, ...(fileSystem !== undefined && { fileSystem }), scenarios, scales };
}

/** Throws where the file holds figures of another file system, or of one that is not known. Asked before a run of an hour, too. */
export function requireSameFileSystem(path: string, fileSystem: string | undefined): void {
  if (!existsSync(path)) return;
  const known = readResults(path).fileSystem;
  if (known !== fileSystem)
    throw new Error(
      `${path} holds figures of ${known ?? 'a file system that is not known'}, and these would be of ${fileSystem}: choose another file, or --file-system`,
    );
}

/** Adds to what the file holds. What was measured again takes the place of what was there. */
export function keepResults(path: string, fresh: Results): void {
  requireSameFileSystem(path, fresh.fileSystem);
  const known = existsSync(path) ? readResults(path) : NO_RESULTS;
  // Under another name first: a run of hours is not lost to a kill in mid-write.
  writeFileSync(`${path}.new`, `${JSON.stringify(mergeResults(known, fresh), undefined, 1)}\n`);
  renameSync(`${path}.new`, path);
}

export function mergeResults(known: Results, fresh: Results): Results {
  return {
    format: FORMAT,
    facts: fresh.facts,
    ...(fresh.fileSystem !== undefined && { fileSystem: fresh.fileSystem }),
    scenarios: replaced(known.scenarios, fresh.scenarios, ({ scenario }) => scenario),
    scales: replaced(known.scales, fresh.scales, ({ scale }) => scale),
  };
}

function replaced<One>(known: readonly One[], fresh: readonly One[], nameOf: (one: One) => string): One[] {
  const all = new Map([...known, ...fresh].map((one) => [nameOf(one), one]));
  return [...all.values()];
}
