/**
 * The ledger in one SQLite file: puts the prepared statements of its neighbours behind the contract of ledger.ts.
 * Reading is synchronous; what writes resolves when it is durable (commits.ts).
 */
import { type AccountStatements, SqliteAccountLedger } from './account-ledger.ts';
import { AccountRegister } from './account-register.ts';
import { RowReader } from './account-rows.ts';
import { BatchWriter } from './batch-writer.ts';
import type { Commits } from './commits.ts';
import { ReceiptForgetter } from './forget-receipts.ts';
import type { JobLock } from './job-lock.ts';
import type { AccountLedger, AccountReader, AccountRun, Ledger, LedgerReader, Outcome } from './ledger.ts';
import { LoginTimeRows } from './login-times.ts';
import { PipeliningNotes, readPipeliningTroubles } from './pipelining-notes.ts';
import { ReceiptReader } from './receipt-reader.ts';
import { RunWriter, readRuns } from './run-history.ts';
import type { SinkSet } from './sink-set.ts';
import type { Database, Statement } from './sqlite.ts';
import { readAccounts, readTroubled } from './summaries.ts';
import { encodeText } from './text-code.ts';
import { Traffic } from './traffic.ts';

/** Reads beside a running job; each question sees the last commit. */
export class SqliteLedgerReader implements LedgerReader {
  readonly path: string;
  readonly #database: Database;
  readonly #sinks: SinkSet;
  readonly #rows: RowReader;
  readonly #receipts: ReceiptReader;
  readonly #accountId: Statement<{ id: number }>;

  constructor(database: Database, sinks: SinkSet) {
    this.path = database.path;
    this.#database = database;
    this.#sinks = sinks;
    this.#rows = new RowReader(database, sinks);
    this.#receipts = new ReceiptReader(database, sinks);
    this.#accountId = database.prepare('SELECT id FROM account WHERE name = ?');
  }

  runs(limit: number): ReturnType<LedgerReader['runs']> {
    return readRuns(this.#database, limit);
  }

  accounts(): ReturnType<LedgerReader['accounts']> {
    return readAccounts(this.#database, this.#sinks.wantedMask);
  }

  troubled(limit: number): ReturnType<LedgerReader['troubled']> {
    return readTroubled(this.#database, false, limit);
  }

  quarantined(limit: number): ReturnType<LedgerReader['quarantined']> {
    return readTroubled(this.#database, true, limit);
  }

  pipeliningTroubles(): ReturnType<LedgerReader['pipeliningTroubles']> {
    return readPipeliningTroubles(this.#database);
  }

  account(accountId: string): AccountReader | undefined {
    const id = this.#accountId.get(encodeText(accountId))?.id;
    return id === undefined ? undefined : readerOf(this.#rows, this.#receipts, id);
  }

  close(): void {
    this.#database.close();
  }
}

/** Writes; holds the job's lock for as long as it is open. */
export class SqliteLedger implements Ledger {
  readonly path: string;
  readonly #database: Database;
  readonly #commits: Commits;
  readonly #lock: JobLock;
  readonly #now: () => number;
  readonly #reader: SqliteLedgerReader;
  readonly #shared: AccountStatements;
  readonly #runs: RunWriter;
  readonly #pipelining: PipeliningNotes;
  #isOpen = true;

  constructor(database: Database, commits: Commits, sinks: SinkSet, lock: JobLock, now: () => number) {
    this.path = database.path;
    this.#database = database;
    this.#commits = commits;
    this.#lock = lock;
    this.#now = now;
    this.#reader = new SqliteLedgerReader(database, sinks);
    this.#shared = {
      commits,
      now,
      accounts: new AccountRegister(database, commits),
      rows: new RowReader(database, sinks),
      receipts: new ReceiptReader(database, sinks),
      writer: new BatchWriter(database, sinks),
      forgetter: new ReceiptForgetter(database, sinks),
      traffic: new Traffic(database),
      loginTimes: new LoginTimeRows(database),
    };
    this.#runs = new RunWriter(database);
    this.#pipelining = new PipeliningNotes(database);
  }

  async startRun(version: string): Promise<number> {
    return this.#commits.run(() => this.#runs.start(version, this.#now()));
  }

  async finishRun(runId: number, outcome: Outcome): Promise<void> {
    await this.#commits.run(() => this.#runs.finish(runId, outcome, this.#now()));
  }

  async recordAccountRun(runId: number, run: AccountRun): Promise<void> {
    this.#shared.accounts.commit(run.account, (id) => this.#runs.recordAccount(runId, id, run));
  }

  openAccount(account: { readonly id: string; readonly host: string; readonly user: string }): AccountLedger {
    return new SqliteAccountLedger(this.#shared, account.id, this.#shared.accounts.open(account));
  }

  runs(limit: number): ReturnType<LedgerReader['runs']> {
    return this.#reader.runs(limit);
  }

  accounts(): ReturnType<LedgerReader['accounts']> {
    return this.#reader.accounts();
  }

  troubled(limit: number): ReturnType<LedgerReader['troubled']> {
    return this.#reader.troubled(limit);
  }

  quarantined(limit: number): ReturnType<LedgerReader['quarantined']> {
    return this.#reader.quarantined(limit);
  }

  pipeliningTroubles(): ReturnType<LedgerReader['pipeliningTroubles']> {
    return this.#reader.pipeliningTroubles();
  }

  pipeliningTrouble(host: string): ReturnType<Ledger['pipeliningTrouble']> {
    return this.#pipelining.of(host);
  }

  async recordPipeliningTrouble(host: string, reason: string): Promise<void> {
    await this.#commits.run(() => this.#pipelining.note(host, reason, this.#now()));
  }

  /** Brings the write-ahead log home, so that the one file is the whole ledger, and gives the lock back. Idempotent. */
  close(): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      try {
        this.#commits.close();
        if (this.#commits.isSound) {
          this.#database.checkpoint();
        }
      } finally {
        this.#database.close();
        this.#lock.release();
      }
    }
  }
}

function readerOf(rows: RowReader, receipts: ReceiptReader, accountId: number): AccountReader {
  return {
    known: () => rows.known(accountId),
    rows: (rowIds) => rows.rows(accountId, rowIds),
    rowsByDigest: (sha256) => rows.rowsByDigest(accountId, sha256),
    rowsByHeader: (headerSha256) => rows.rowsByHeader(accountId, headerSha256),
    troubled: () => rows.troubled(accountId),
    uidlChange: () => rows.uidlChange(accountId),
    receipts: (rowId) => rows.receipts(accountId, rowId),
    archives: () => receipts.archives(accountId),
    receiptsIn: (archive) => receipts.receiptsIn(accountId, archive),
    journal: (sinkName) => receipts.journal(accountId, sinkName),
  };
}
