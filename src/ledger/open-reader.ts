/**
 * Opens a ledger for reading, beside a running job or without one. It must not write, lock, migrate or create anything.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerReader } from './ledger.ts';
import { isEmpty, requireCurrent } from './migrate.ts';
import { readSinks } from './sink-set.ts';
import { BUSY_TIMEOUT_MS, Database } from './sqlite.ts';
import { SqliteLedgerReader } from './sqlite-ledger.ts';
import { LEDGER_FILE } from './state-folder.ts';

export interface LedgerReaderOptions {
  readonly statePath: string;
  /** As in LedgerOptions; without it, all sinks that the ledger has ever known. */
  readonly sinks?: readonly string[] | undefined;
}

/**
 * Opens the ledger for reading; undefined where there is none yet. Takes no lock and changes nothing. The caller closes it.
 * @throws MailferryError scope `run`, as openLedger, except `job-running`. Also `ledger-older`
 *   where the next run has to migrate it first, and `ledger-half-written` (retry later) where it has to take back a change.
 */
export function openLedgerReader(options: LedgerReaderOptions): LedgerReader | undefined {
  const path = join(options.statePath, LEDGER_FILE);
  if (!existsSync(path)) {
    return undefined;
  }
  const database = new Database(path, { readOnly: true, busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    if (isEmpty(database)) {
      database.close();
      return undefined;
    }
    requireCurrent(database);
    return new SqliteLedgerReader(database, readSinks(database, options.sinks));
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}
