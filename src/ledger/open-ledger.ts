/**
 * Opens the ledger of a job's state folder for writing, with the lock of the job. Reading is in open-reader.ts.
 */
import { join } from 'node:path';
import type { Failpoint } from '../errors/failpoint.ts';
import { Commits } from './commits.ts';
import { takeJobLock } from './job-lock.ts';
import type { Ledger } from './ledger.ts';
import { checkSchema, isEmpty, migrate } from './migrate.ts';
import { registerSinks } from './sink-set.ts';
import { BUSY_TIMEOUT_MS, Database } from './sqlite.ts';
import { SqliteLedger } from './sqlite-ledger.ts';
import { createFile, LEDGER_FILE, makeStateFolder } from './state-folder.ts';

export interface LedgerOptions {
  /** The job's state folder; made (0700) where it is missing. */
  readonly statePath: string;
  /** The job's name, for messages. */
  readonly job: string;
  /** The names of all sinks of the job: a message is complete when each of them has given a receipt. */
  readonly sinks: readonly string[];
  /** The clock, in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** For tests. */
  readonly failpoint?: Failpoint | undefined;
}

/**
 * Opens the job's ledger for writing, creating or migrating it as needed. The caller closes it.
 * @throws MailferryError scope `run`: `job-running` (retry later); `ledger-newer`, `ledger-foreign`, `ledger-damaged`,
 *   `ledger-sinks`, `ledger-full`, `ledger-io` (retry never); `ledger-busy` (retry later).
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { statePath, job, sinks, now = Date.now, failpoint } = options;
  makeStateFolder(statePath);
  const lock = takeJobLock(statePath, job, now);
  try {
    return openLocked(join(statePath, LEDGER_FILE), failpoint, (database) => {
      migrate(database);
      const sinkSet = registerSinks(database, sinks);
      return new SqliteLedger(database, new Commits(database, failpoint), sinkSet, lock, now);
    });
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

/** Settings are made after the file is known to be ours: `journal_mode` writes into it. */
function openLocked(
  path: string,
  failpoint: Failpoint | undefined,
  use: (database: Database) => Ledger,
): Ledger {
  createFile(path);
  const database = new Database(path, { readOnly: false, busyTimeoutMs: BUSY_TIMEOUT_MS, failpoint });
  try {
    if (!isEmpty(database)) {
      checkSchema(database);
    }
    // Each commit is synced until Commits takes that over (on macOS down to the platter). Pages are brought home when the log has
    // 4,000 of them, four times as rarely as by itself: everything waits for that. It is cut back after a long read has made it grow.
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 16777216`);
    return use(database);
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}
