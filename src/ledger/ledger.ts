/**
 * The contract of the ledger: the durable memory of one job. It records facts (what was seen, what is proved where, what a
 * run came to) and answers questions about them. It decides nothing, fetches nothing and stores no mail.
 *
 * `record…` and `write` resolve only when the change is durable (fsync done), and each call is one transaction.
 * One process at a time holds a job's ledger open for writing; a crash leaves no lock behind. Readers are never locked out.
 * Times are milliseconds since 1970, UTC. Digests are 64 lower-case hex digits. Unique-ids are latin1 strings, one
 * character per octet, and may hold any octet.
 */
import type { JsonValue, Receipt, SinkJournal } from '../sink/sink.ts';
import type { MessageState, Move } from './states.ts';

/** What the classification of a listing needs of each row; the rest is read on demand. */
export interface KnownMessage {
  readonly rowId: number;
  readonly uidl: string;
  /** Size that LIST gave when it was recorded; null where the server gave none. */
  readonly listedOctets: number | null;
  readonly state: MessageState;
  /** Whether every sink of this job (as given to openLedger) has a receipt. */
  readonly isComplete: boolean;
}

export interface MessageRow extends KnownMessage {
  readonly octets: number | null;
  readonly sha256: string | null;
  readonly headerSha256: string | null;
  /** The message's own date, where a rule needed it; null where unread or unreadable. */
  readonly datedAt: number | null;
  readonly copy: number;
  readonly firstSeenAt: number;
  readonly archivedAt: number | null;
  /** When the last of this job's sinks proved that it holds the message; null unless the state says all have. */
  readonly verifiedAt: number | null;
  readonly attempts: number;
  readonly lastErrorCode: string | null;
  readonly lastError: string | null;
  /** Names of the sinks that have a receipt for it. */
  readonly sinks: readonly string[];
}

/** A message that was fetched whole and that at least one sink has stored. */
export interface StoredEntry {
  /** The row it continues (an earlier failure, a missing sink); undefined for a new one. */
  readonly rowId: number | undefined;
  readonly uidl: string;
  readonly listedOctets: number | null;
  readonly octets: number;
  readonly sha256: string;
  readonly headerSha256: string;
  readonly copy: number;
  /** New receipts by sink name. With those recorded before, all sinks make it `archived`, and `verified` if all are proved so. */
  readonly receipts: ReadonlyMap<string, { readonly root: string; readonly receipt: Receipt }>;
  /** Why it is not complete, where a sink failed. */
  readonly failure?: FailureNote | undefined;
  /** Whether that failure is the message's own, and counts as an attempt; true where not given. */
  readonly isAttempt?: boolean;
  /** Whether it is set aside with that failure. */
  readonly quarantine?: boolean;
}

export interface FailureNote {
  readonly code: string;
  readonly text: string;
}

/**
 * A message that could not be fetched, or that no sink took. Without a row of its own it continues an earlier failure of the
 * same unique-id and listed size of which nothing was ever fetched whole; else it gets a new row.
 */
export interface FailedEntry {
  readonly rowId: number | undefined;
  readonly uidl: string;
  readonly listedOctets: number | null;
  readonly failure: FailureNote;
  /** Whether it counts as an attempt, being the message's own failure; true where not given. */
  readonly isAttempt?: boolean;
  readonly quarantine: boolean;
}

/** A message that a rule of the job left out. */
export interface SkippedEntry {
  readonly rowId: number | undefined;
  readonly uidl: string;
  readonly listedOctets: number | null;
  readonly datedAt: number | null;
  /** The rule, in the job's words: `smallerThan: 50MB`. */
  readonly rule: string;
}

/** A known message seen again under another size, or recognised by its digest: the row follows what the server says now. */
export interface RelistedEntry {
  readonly rowId: number;
  readonly uidl: string;
  readonly listedOctets: number | null;
  /** Its number among equal messages under that unique-id, where the unique-id is another one. */
  readonly copy?: number | undefined;
  /** A row without octets or receipts that turned out to be about the same message: it is removed. */
  readonly replaces?: number | undefined;
}

/** A server gave its messages other unique-ids: the last time that an account's rows had to follow. */
export interface UidlChange {
  readonly noticedAt: number;
  /** When everything that was listed had been compared; null until then. */
  readonly settledAt: number | null;
  /** Rows that follow new unique-ids. */
  readonly followed: number;
}

/**
 * All that one batch changed. One call, one transaction, one fsync.
 * A row that is complete is never taken back: a failure that names it is noted, and its state and listed size stay; a rule
 * that names it (or a quarantined one) changes nothing. A row that has receipts takes no other digest: that is another row.
 */
export interface LedgerBatch {
  readonly stored?: readonly StoredEntry[];
  readonly failed?: readonly FailedEntry[];
  readonly skipped?: readonly SkippedEntry[];
  readonly relisted?: readonly RelistedEntry[];
  /** Rows of this batch that follow new unique-ids; with `isSettled` nothing more is expected to. The first makes a `UidlChange`. */
  readonly uidlChange?: { readonly followed: number; readonly isSettled: boolean } | undefined;
  /** Rows in trouble that this listing lacks (`isListed` false), or shows again. */
  readonly presence?: readonly { readonly rowId: number; readonly isListed: boolean }[];
  /** Journals of sinks, by sink name, recorded together with the receipts they belong to. */
  readonly journals?: ReadonlyMap<string, JsonValue>;
}

/**
 * What became of everything an account listed. `listed` = archivedNow + archivedBefore + skipped + quarantined + failed;
 * `unreached` is the part of `failed` that the session did not come to.
 */
export interface AccountCounts {
  readonly listed: number;
  readonly archivedNow: number;
  readonly archivedBefore: number;
  readonly skipped: number;
  readonly quarantined: number;
  readonly failed: number;
  readonly unreached: number;
  /** Octets of wire form archived now. */
  readonly octets: number;
}

/** `waiting`: all that failed will pass by itself. */
export type Outcome = 'done' | 'failed' | 'waiting' | 'interrupted' | 'unexpected';

export interface AccountRun {
  readonly account: string;
  readonly outcome: Outcome;
  readonly counts: AccountCounts;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly failure: FailureNote | undefined;
}

export interface RunRecord {
  readonly id: number;
  readonly startedAt: number;
  /** Null while it runs, or where the process was killed. */
  readonly finishedAt: number | null;
  readonly outcome: Outcome | null;
  readonly accounts: number;
  readonly counts: AccountCounts;
}

export interface AccountSummary {
  readonly account: string;
  readonly byState: Readonly<Record<MessageState, number>>;
  /** Octets of all archived messages (wire form). */
  readonly octets: number;
  /** Messages without a receipt of every sink, and not skipped or quarantined. */
  readonly incomplete: number;
  readonly lastRun: AccountRun | undefined;
  /** When its server allows the next login, which may have passed; null where it does not say. */
  readonly nextLoginAt: number | null;
  /** The last time that unique-ids changed; null where they never did. */
  readonly uidlChange: UidlChange | null;
}

export interface TroubledMessage {
  readonly account: string;
  readonly uidl: string;
  readonly state: MessageState;
  readonly attempts: number;
  readonly lastErrorCode: string | null;
  readonly lastError: string | null;
  readonly firstSeenAt: number;
  readonly lastFailedAt: number | null;
  readonly listedOctets: number | null;
  /** Since when listings lack it; null while it is listed. That may pass: some servers show a part of the maildrop. */
  readonly unlistedAt: number | null;
}

/** What an account's run needs of a message in trouble: one that failed last time, or is quarantined, and is not archived. */
export interface TroubledRow {
  readonly rowId: number;
  readonly uidl: string;
  readonly listedOctets: number | null;
  readonly state: MessageState;
  readonly unlistedAt: number | null;
}

/** A host at which pipelining broke, and a session without it went through. */
export interface PipeliningTrouble {
  /** In lower case. */
  readonly host: string;
  readonly noticedAt: number;
  readonly reason: string;
}

/** One account's place in one sink, as its receipts name it. A sink whose path has changed has several. */
export interface RecordedArchive {
  readonly sink: string;
  /** What its receipts' locations are relative to. */
  readonly root: string;
  readonly receipts: number;
  /** Octets that these take in the sink. */
  readonly storedOctets: number;
}

/** A receipt with the row it belongs to. */
export interface RecordedReceipt {
  readonly rowId: number;
  readonly uidl: string;
  readonly listedOctets: number | null;
  readonly state: MessageState;
  readonly receipt: Receipt;
}

/** What may be read of one account, also beside a running job. */
export interface AccountReader
  extends Pick<
    AccountLedger,
    'known' | 'rows' | 'rowsByDigest' | 'rowsByHeader' | 'troubled' | 'receipts' | 'uidlChange'
  > {
  /** Every place that holds a receipt of the account, sinks that the job has no more included. */
  archives(): readonly RecordedArchive[];
  /** Every receipt of one place, one at a time, in order of rowId; never all in memory. */
  receiptsIn(archive: Pick<RecordedArchive, 'sink' | 'root'>): Iterable<RecordedReceipt>;
  journal(sinkName: string): Pick<SinkJournal, 'read'>;
}

/** When an account may log in again (RFC 2449 §6.5). */
export interface LoginTimes {
  /** Milliseconds since 1970; null where the server asks for no time between logins. */
  readonly nextLoginAt: number | null;
  /** Between two logins, as the server was seen to enforce it; 0 where it was not. */
  readonly learnedDelayMs: number;
}

/** One account's part of the ledger, for the time of its session. */
export interface AccountLedger {
  /** Every row of the account, one at a time, in order of rowId; never all in memory. Nothing is recorded while it runs. */
  known(): Iterable<KnownMessage>;
  /** Rows by their ids, in that order; ids that are gone are left out. */
  rows(rowIds: readonly number[]): readonly MessageRow[];
  /** Rows with these wire octets: how an ambiguous or re-listed message is recognised. */
  rowsByDigest(sha256: string): readonly MessageRow[];
  /** Rows with this header block: how a message without a usable unique-id is recognised through TOP. */
  rowsByHeader(headerSha256: string): readonly MessageRow[];
  /** The last change of unique-ids; undefined where there was none. */
  uidlChange(): UidlChange | undefined;
  /** Rows that are `listed` or `quarantined` after a failure, one at a time, in order of rowId. */
  troubled(): Iterable<TroubledRow>;
  /** Of these, the rows of which nothing was ever fetched whole, by unique-id and size: what a failure without identity left. */
  unreadRows(uidl: string, listedOctets: number | null): readonly number[];
  record(batch: LedgerBatch): Promise<void>;
  /** Moves rows by the table of states.ts, all or none. @throws Error on a move that the table does not have. */
  move(rowIds: readonly number[], move: Move): Promise<void>;
  /** Forgotten when the account's host or user changes. */
  loginTimes(): LoginTimes;
  recordLoginTimes(times: LoginTimes): Promise<void>;
  /** The receipts of one message by sink name. */
  receipts(rowId: number): ReadonlyMap<string, { readonly root: string; readonly receipt: Receipt }>;
  /** As `AccountReader`; what is recorded or forgotten while it runs may or may not show. */
  archives(): readonly RecordedArchive[];
  receiptsIn(archive: Pick<RecordedArchive, 'sink' | 'root'>): Iterable<RecordedReceipt>;
  /**
   * Forgets the receipts that one sink gave for these rows, all or none, since the sink does not hold what they say: the
   * messages are `listed` again, and lack this sink. Rows without such a receipt stay as they are.
   * @throws Error for a row in deletion that has one: what may be gone at the source is never taken back to `listed`.
   */
  forgetReceipts(rowIds: readonly number[], sinkName: string): Promise<void>;
  journal(sinkName: string): SinkJournal;
  /** Octets that the account has fetched on a day, `2026-11-21` in UTC, as `addTraffic` was told. */
  trafficOn(day: string): number;
  /** Adds to it; a negative number takes back what was not used. Days a month before this one are forgotten. */
  addTraffic(day: string, octets: number): Promise<void>;
}

/** What `status` and `plan` read: works beside a running job. */
export interface LedgerReader {
  readonly path: string;
  runs(limit: number): readonly RunRecord[];
  accounts(): readonly AccountSummary[];
  /** Messages whose last attempt failed and that are not quarantined, the latest failure first. */
  troubled(limit: number): readonly TroubledMessage[];
  /** Quarantined messages, the latest failure first. */
  quarantined(limit: number): readonly TroubledMessage[];
  /** Of all hosts, the latest first. */
  pipeliningTroubles(): readonly PipeliningTrouble[];
  /** The account's rows, read only; undefined where the account has none yet. */
  account(accountId: string): AccountReader | undefined;
  close(): void;
}

export interface Ledger extends Omit<LedgerReader, 'account'> {
  /** Starts a run and returns its id; a run that was killed stays without an end. */
  startRun(version: string): Promise<number>;
  finishRun(runId: number, outcome: Outcome): Promise<void>;
  /** What `status` shows of an account. Durable with the next batch or the end of the run, at the latest: no promise rests on it. */
  recordAccountRun(runId: number, run: AccountRun): Promise<void>;
  /** What is recorded of a host, however old; names are compared ignoring case. */
  pipeliningTrouble(host: string): PipeliningTrouble | undefined;
  /** Notes that pipelining broke at a host, now. */
  recordPipeliningTrouble(host: string, reason: string): Promise<void>;
  /** A new account shows to readers with the first thing that is recorded of it. */
  openAccount(account: { readonly id: string; readonly host: string; readonly user: string }): AccountLedger;
}
