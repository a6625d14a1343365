/**
 * All accounts of a job in one list, whether they are described in the job file or in CSV files, each with the way back to
 * where it is written. Must not know rules nor defaults.
 */
import { dirname, isAbsolute, join } from 'node:path';
import { columnOf, parseAccountsCsv } from './accounts-csv.ts';
import type { JobProblem } from './job.ts';
import type { Indexed } from './parse-job.ts';
import { type Path, type Place, quoted } from './problems.ts';
import { readTextFile } from './read-text.ts';
import { checkAccount, type RawAccount, type RawAccountEntry } from './schema.ts';
import { shapeProblems } from './shape-problems.ts';

const MAX_CSV_OCTETS = 64 * 1024 * 1024;

/** One account as it is written, before defaults. */
export interface AccountEntry {
  readonly keys: RawAccount;
  /** Where the account (`[]`) or one of its keys is written. */
  readonly placeOf: (path: Path) => Place;
}

export interface CollectedAccounts {
  readonly entries: readonly AccountEntry[];
  readonly problems: readonly JobProblem[];
}

/** @param placeOf where a path of the job file is written; @param jobFile what the names of CSV files are relative to. */
export async function collectAccounts(
  items: readonly Indexed<RawAccountEntry>[],
  jobFile: string,
  placeOf: (path: Path) => Place,
): Promise<CollectedAccounts> {
  const entries: AccountEntry[] = [];
  const problems: JobProblem[] = [];
  for (const { index, item } of items) {
    const { from, ...keys } = item;
    if (from === undefined) {
      entries.push({ keys, placeOf: (path) => placeOf(['accounts', index, ...path]) });
      continue;
    }
    const collected = await readAccountsFile(besideFile(jobFile, from), placeOf(['accounts', index, 'from']));
    for (const entry of collected.entries) {
      entries.push(entry);
    }
    for (const problem of collected.problems) {
      problems.push(problem);
    }
  }
  return { entries, problems };
}

/** As somebody in the present folder would name it, for problems. */
function besideFile(jobFile: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(jobFile), path);
}

async function readAccountsFile(file: string, namedAt: Place): Promise<CollectedAccounts> {
  const read = await readTextFile(file, MAX_CSV_OCTETS);
  if (read.kind === 'unreadable') {
    return {
      entries: [],
      problems: [{ ...namedAt, text: `the accounts file ${quoted(file)} ${read.text}` }],
    };
  }
  const { accounts, faults } = parseAccountsCsv(read.text);
  const entries: AccountEntry[] = [];
  const problems: JobProblem[] = faults.map(({ line, column, text }) => ({ file, line, path: column, text }));
  for (const { line, data } of accounts) {
    const placeOf = (path: Path): Place => ({ file, line, path: columnOf(path) });
    const { value, issues } = checkAccount(data);
    if (value === undefined) {
      problems.push(...shapeProblems(issues, data, [], placeOf));
    } else {
      entries.push({ keys: value, placeOf });
    }
  }
  return { entries, problems };
}
