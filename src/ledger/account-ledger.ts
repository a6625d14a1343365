/**
 * One account of the ledger: puts the prepared statements of its neighbours behind the contract of `AccountLedger`.
 */
import type { SinkJournal } from '../sink/sink.ts';
import type { AccountRegister, RegisteredAccount } from './account-register.ts';
import type { RowReader } from './account-rows.ts';
import type { BatchWriter } from './batch-writer.ts';
import type { Commits } from './commits.ts';
import type { ReceiptForgetter } from './forget-receipts.ts';
import type { AccountLedger, LedgerBatch } from './ledger.ts';
import { type LoginTimeRows, NO_LOGIN_TIMES } from './login-times.ts';
import type { ReceiptReader } from './receipt-reader.ts';
import type { Move } from './states.ts';
import type { Traffic } from './traffic.ts';

/** What all accounts of one ledger share: a job may have 50,000 accounts, but prepares its statements once. */
export interface AccountStatements {
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

export class SqliteAccountLedger implements AccountLedger {
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
    accounts.commit(this.#name, work);
    await commits.synced();
  }
}
