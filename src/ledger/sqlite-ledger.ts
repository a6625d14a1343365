/**
 * The ledger in one SQLite file: puts the prepared statements of its neighbours behind the contract of ledger.ts.
 * Reading is synchronous; what writes resolves when it is durable (commits.ts).
 */
import type { SinkJournal } from '../sink/sink.ts';
import { AccountRegister, type RegisteredAccount } from './account-register.ts';
import { RowReader } from './account-rows.ts';
import { BatchWriter } from './batch-writer.ts';
import type { Commits } from './commits.ts';
import { ReceiptForgetter } from './forget-receipts.ts';
import type { JobLock } from './job-lock.ts';
import type {
  AccountLedger,
  AccountReader,
  AccountRun,
  Ledger,
  LedgerBatch,
  LedgerReader,
  Outcome,
} from './ledger.ts';
import { LoginTimeRows, NO_LOGIN_TIMES } from './login-times.ts';
import { PipeliningNotes, readPipeliningTroubles } from './pipelining-notes.ts';
import { ReceiptReader } from './receipt-reader.ts';
import { RunWriter, readRuns } from './run-history.ts';
import type { SinkSet } from './sink-set.ts';
import type { Database, Statement } from './sqlite.ts';
import type { Move } from './states.ts';
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
      accounts: new AccountRegister(database),
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
    this.#commits.runUnsynced(() =>
      this.#runs.recordAccount(runId, this.#shared.accounts.idOf(run.account), run),
    );
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

/** What all accounts of one ledger share: a job may have 50,000 accounts, but prepares its statements once. */
interface AccountStatements {
  readonly commits: Commits;
  readonly now: () => number;
  readonly accounts: AccountRegister;
  readonly rows: RowReader;
  readonly receipts: ReceiptReader;
  readonly writer: BatchWriter;
  readonly forgetter: ReceiptForgetter;
  readonly traffic: Traffic;
  readonly loginTimes: LoginTimeRows;
}

/** SQLite counts from 1. */
const NO_ACCOUNT = 0;

class SqliteAccountLedger implements AccountLedger {
  readonly #shared: AccountStatements;
  readonly #name: string;
  readonly #account: RegisteredAccount;

  constructor(shared: AccountStatements, name: string, account: RegisteredAccount) {
    this.#shared = shared;
    this.#name = name;
    this.#account = account;
  }

  /** The questions that each session asks look at `#isNew` first: the others have no answer either under an id that nobody has. */
  get #accountId(): number {
    return this.#account.id ?? NO_ACCOUNT;
  }

  get #isNew(): boolean {
    return this.#account.id === undefined;
  }

  known(): ReturnType<AccountLedger['known']> {
    return this.#isNew ? [] : this.#shared.rows.known(this.#accountId);
  }

  rows(rowIds: readonly number[]): ReturnType<AccountLedger['rows']> {
    return this.#shared.rows.rows(this.#accountId, rowIds);
  }

  rowsByDigest(sha256: string): ReturnType<AccountLedger['rowsByDigest']> {
    return this.#shared.rows.rowsByDigest(this.#accountId, sha256);
  }

  rowsByHeader(headerSha256: string): ReturnType<AccountLedger['rowsByHeader']> {
    return this.#shared.rows.rowsByHeader(this.#accountId, headerSha256);
  }

  troubled(): ReturnType<AccountLedger['troubled']> {
    return this.#isNew ? [] : this.#shared.rows.troubled(this.#accountId);
  }

  unreadRows(uidl: string, listedOctets: number | null): ReturnType<AccountLedger['unreadRows']> {
    return this.#shared.rows.unread(this.#accountId, uidl, listedOctets);
  }

  loginTimes(): ReturnType<AccountLedger['loginTimes']> {
    return this.#isNew ? NO_LOGIN_TIMES : this.#shared.loginTimes.read(this.#accountId);
  }

  async recordLoginTimes(times: Parameters<AccountLedger['recordLoginTimes']>[0]): Promise<void> {
    const { loginTimes } = this.#shared;
    await this.#change((id) => loginTimes.write(id, times));
  }

  uidlChange(): ReturnType<AccountLedger['uidlChange']> {
    return this.#isNew ? undefined : this.#shared.rows.uidlChange(this.#accountId);
  }

  receipts(rowId: number): ReturnType<AccountLedger['receipts']> {
    return this.#shared.rows.receipts(this.#accountId, rowId);
  }

  archives(): ReturnType<AccountLedger['archives']> {
    return this.#shared.receipts.archives(this.#accountId);
  }

  receiptsIn(archive: Parameters<AccountLedger['receiptsIn']>[0]): ReturnType<AccountLedger['receiptsIn']> {
    return this.#shared.receipts.receiptsIn(this.#accountId, archive);
  }

  async forgetReceipts(rowIds: readonly number[], sinkName: string): Promise<void> {
    const { forgetter } = this.#shared;
    if (rowIds.length > 0) {
      await this.#change((id) => forgetter.forget(id, rowIds, sinkName));
    }
  }

  async record(batch: LedgerBatch): Promise<void> {
    const { writer, now } = this.#shared;
    await this.#change((id) => writer.write(id, batch, now()));
  }

  async move(rowIds: readonly number[], move: Move): Promise<void> {
    const { writer } = this.#shared;
    if (rowIds.length > 0) {
      await this.#change((id) => writer.move(id, rowIds, move));
    }
  }

  journal(sinkName: string): SinkJournal {
    const { receipts, writer, now } = this.#shared;
    return {
      read: () => (this.#isNew ? undefined : receipts.journal(this.#accountId, sinkName).read()),
      write: (value) => this.#change((id) => writer.writeJournal(id, sinkName, value, now())),
    };
  }

  trafficOn(day: string): number {
    return this.#shared.traffic.on(this.#accountId, day);
  }

  async addTraffic(day: string, octets: number): Promise<void> {
    const { traffic } = this.#shared;
    await this.#change((id) => traffic.add(id, day, octets));
  }

  /** Durable when it resolves. */
  async #change(work: (accountId: number) => void): Promise<void> {
    const { commits, accounts } = this.#shared;
    const { id } = this.#account;
    try {
      await commits.run(() => work(accounts.idOf(this.#name)));
    } catch (thrown) {
      this.#account.id = id;
      throw thrown;
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
