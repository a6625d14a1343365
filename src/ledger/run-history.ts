/**
 * Runs and what each account came to in them: writing and reading. It must not look at messages.
 */
import type { AccountCounts, AccountRun, Outcome, RunRecord } from './ledger.ts';
import type { Database, Statement } from './sqlite.ts';
import { decodeText, encodeNote } from './text-code.ts';

/** The columns of AccountCounts. */
interface StoredCounts {
  readonly listed: number;
  readonly archived_now: number;
  readonly archived_before: number;
  readonly skipped: number;
  readonly quarantined: number;
  readonly failed: number;
  readonly unreached: number;
  readonly octets: number;
}

const COUNTS = [
  'listed',
  'archived_now',
  'archived_before',
  'skipped',
  'quarantined',
  'failed',
  'unreached',
  'octets',
];

interface StoredRun extends StoredCounts {
  readonly id: number;
  readonly started_at: number;
  readonly finished_at: number | null;
  readonly outcome: Outcome | null;
  readonly accounts: number;
}

interface StoredAccountRun extends StoredCounts {
  readonly account_id: number;
  readonly name: string;
  readonly outcome: Outcome;
  readonly started_at: number;
  readonly finished_at: number;
  readonly error_code: string | null;
  readonly error_text: string | null;
}

/** The newest runs first, each with the sums over its accounts. */
const RUNS = `
SELECT u.id, u.started_at, u.finished_at, u.outcome, count(c.run_id) AS accounts,
  ${COUNTS.map((column) => `coalesce(sum(c.${column}), 0) AS ${column}`).join(', ')}
FROM (SELECT * FROM run ORDER BY id DESC LIMIT ?) u LEFT JOIN account_run c ON c.run_id = u.id
GROUP BY u.id ORDER BY u.id DESC`;

const LAST_RUNS = `
SELECT c.*, a.name FROM account a
JOIN account_run c ON c.account_id = a.id
  AND c.run_id = (SELECT max(run_id) FROM account_run WHERE account_id = a.id)`;

/** The prepared writes of one ledger. */
export class RunWriter {
  readonly #start: Statement;
  readonly #finish: Statement;
  readonly #recordAccount: Statement;

  constructor(database: Database) {
    this.#start = database.prepare('INSERT INTO run (version, started_at) VALUES (?, ?)');
    this.#finish = database.prepare('UPDATE run SET finished_at = ?, outcome = ? WHERE id = ?');
    this.#recordAccount = database.prepare(`
INSERT OR REPLACE INTO account_run
  (run_id, account_id, outcome, started_at, finished_at, error_code, error_text, ${COUNTS.join(', ')})
VALUES (?, ?, ?, ?, ?, ?, ?, ${COUNTS.map(() => '?').join(', ')})`);
  }

  start(version: string, now: number): number {
    return this.#start.run(version, now);
  }

  finish(runId: number, outcome: Outcome, now: number): void {
    this.#finish.run(now, outcome, runId);
  }

  recordAccount(runId: number, accountId: number, run: AccountRun): void {
    const { counts, failure } = run;
    this.#recordAccount.run(
      runId,
      accountId,
      run.outcome,
      run.startedAt,
      run.finishedAt,
      failure === undefined ? null : encodeNote(failure.code),
      failure === undefined ? null : encodeNote(failure.text),
      counts.listed,
      counts.archivedNow,
      counts.archivedBefore,
      counts.skipped,
      counts.quarantined,
      counts.failed,
      counts.unreached,
      counts.octets,
    );
  }
}

export function readRuns(database: Database, limit: number): readonly RunRecord[] {
  return database
    .prepare<StoredRun>(RUNS)
    .all(limit)
    .map((stored) => ({
      id: stored.id,
      startedAt: stored.started_at,
      finishedAt: stored.finished_at,
      outcome: stored.outcome,
      accounts: stored.accounts,
      counts: countsOf(stored),
    }));
}

/** What each account came to when it last took part in a run, by the account's number. */
export function readLastRuns(database: Database): ReadonlyMap<number, AccountRun> {
  const rows = database.prepare<StoredAccountRun>(LAST_RUNS).all();
  return new Map(
    rows.map((stored) => [
      stored.account_id,
      {
        account: decodeText(stored.name),
        outcome: stored.outcome,
        counts: countsOf(stored),
        startedAt: stored.started_at,
        finishedAt: stored.finished_at,
        failure:
          stored.error_code === null ? undefined : { code: stored.error_code, text: stored.error_text ?? '' },
      },
    ]),
  );
}

function countsOf(stored: StoredCounts): AccountCounts {
  return {
    listed: stored.listed,
    archivedNow: stored.archived_now,
    archivedBefore: stored.archived_before,
    skipped: stored.skipped,
    quarantined: stored.quarantined,
    failed: stored.failed,
    unreached: stored.unreached,
    octets: stored.octets,
  };
}
