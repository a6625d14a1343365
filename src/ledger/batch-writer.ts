/**
 * Writes what one batch changed. All moves of state go through `moveState`. It must not open or close transactions: its
 * caller does, so that a batch is one.
 */
import type { JsonValue } from '../sink/sink.ts';
import type { PlacedReceipt } from './account-rows.ts';
import * as SQL from './batch-sql.ts';
import { FORM_CODES, PROOF_CODES, STATE_CODES, stateOf } from './codes.ts';
import {
  type RowFacts,
  stateAfterFailure,
  stateAfterRecognition,
  stateAfterSkip,
  stateAfterStore,
  staysAsItIs,
} from './decide-state.ts';
import type { FailedEntry, LedgerBatch, RelistedEntry, SkippedEntry, StoredEntry } from './ledger.ts';
import type { SinkSet } from './sink-set.ts';
import type { Database, SqlParameter, Statement } from './sqlite.ts';
import { type Move, moveState } from './states.ts';
import { encodeNote, encodeText } from './text-code.ts';

/** A row as a continuing entry finds it. */
interface PresentRow {
  readonly state: number;
  readonly is_complete: number;
  readonly will_be_complete: number;
  readonly has_receipt: number;
  /** Empty where there is none yet. */
  readonly sha256: string;
}

/** What all entries of one batch have in common. */
interface Batch {
  readonly accountId: number;
  readonly now: number;
  /** Ids of archives looked up so far, by sink and root. */
  readonly archives: Map<string, number>;
}

/** The prepared writes of one ledger. */
export class BatchWriter {
  readonly #sinks: SinkSet;
  readonly #insert: Statement;
  readonly #present: Statement<PresentRow>;
  readonly #insertStored: Statement;
  readonly #updateStored: Statement;
  readonly #updateFailed: Statement;
  readonly #noteFailure: Statement;
  readonly #updateSkipped: Statement;
  readonly #updateListed: Statement;
  readonly #removeEmpty: Statement;
  readonly #upsertUidlChange: Statement;
  readonly #updateState: Statement;
  readonly #updateRecognised: Statement;
  readonly #updatePresence: Statement;
  readonly #unread: Statement<{ id: number }>;
  readonly #upsertReceipt: Statement;
  readonly #unverified: Statement<{ receipts: number }>;
  readonly #upsertJournal: Statement;
  readonly #insertArchive: Statement;
  readonly #archive: Statement<{ id: number }>;

  constructor(database: Database, sinks: SinkSet) {
    this.#sinks = sinks;
    // The mask is the same for the life of the ledger, so it is part of the text; it is an integer of our own making.
    const prepare = <Row = never>(sql: string): Statement<Row> =>
      database.prepare<Row>(sql.replaceAll(':wanted', sinks.wantedMask.toString()));
    this.#insert = prepare(SQL.INSERT);
    this.#present = prepare(SQL.PRESENT);
    this.#insertStored = prepare(SQL.INSERT_STORED);
    this.#updateStored = prepare(SQL.UPDATE_STORED);
    this.#updateFailed = prepare(SQL.UPDATE_FAILED);
    this.#noteFailure = prepare(SQL.NOTE_FAILURE);
    this.#updateSkipped = prepare(SQL.UPDATE_SKIPPED);
    this.#updateListed = prepare(SQL.UPDATE_LISTED);
    this.#removeEmpty = prepare(SQL.REMOVE_EMPTY);
    this.#upsertUidlChange = prepare(SQL.UPSERT_UIDL_CHANGE);
    this.#updateState = prepare(SQL.UPDATE_STATE);
    this.#updateRecognised = prepare(SQL.UPDATE_RECOGNISED);
    this.#updatePresence = prepare(SQL.UPDATE_PRESENCE);
    this.#unread = prepare(SQL.UNREAD);
    this.#upsertReceipt = prepare(SQL.UPSERT_RECEIPT);
    this.#unverified = prepare(SQL.UNVERIFIED);
    this.#upsertJournal = prepare(SQL.UPSERT_JOURNAL);
    this.#insertArchive = prepare(SQL.INSERT_ARCHIVE);
    this.#archive = prepare(SQL.ARCHIVE);
  }

  write(accountId: number, changes: LedgerBatch, now: number): void {
    const batch: Batch = { accountId, now, archives: new Map() };
    for (const entry of changes.stored ?? []) {
      this.#writeStored(batch, entry);
    }
    for (const entry of changes.failed ?? []) {
      this.#writeFailed(batch, entry);
    }
    for (const entry of changes.skipped ?? []) {
      this.#writeSkipped(batch, entry);
    }
    for (const entry of changes.relisted ?? []) {
      this.#writeRelisted(batch, entry);
    }
    for (const { rowId, isListed } of changes.presence ?? []) {
      this.#updatePresence.run(isListed ? 1 : 0, now, rowId, accountId);
    }
    if (changes.uidlChange !== undefined) {
      const { followed, isSettled } = changes.uidlChange;
      this.#upsertUidlChange.run(accountId, now, isSettled ? now : null, followed);
    }
    for (const [sinkName, value] of changes.journals ?? []) {
      this.writeJournal(accountId, sinkName, value, now);
    }
  }

  move(accountId: number, rowIds: readonly number[], move: Move): void {
    for (const rowId of rowIds) {
      const state = moveState(stateOf(this.#presentRow({ accountId }, rowId).state), move);
      this.#updateState.run(STATE_CODES[state], rowId);
    }
  }

  writeJournal(accountId: number, sinkName: string, value: JsonValue, now: number): void {
    this.#upsertJournal.run(accountId, this.#sinks.idOf(sinkName), JSON.stringify(value), now);
  }

  #writeStored(batch: Batch, entry: StoredEntry): void {
    assertDigests(entry);
    if (entry.rowId === undefined) {
      this.#writeNew(batch, entry);
    } else {
      this.#writeContinued(batch, entry, entry.rowId);
    }
  }

  #writeNew(batch: Batch, entry: StoredEntry): void {
    const mask = this.#sinks.maskOf(entry.receipts.keys());
    const wanted = this.#sinks.wantedMask;
    const row: RowFacts = {
      state: 'listed',
      isComplete: (mask & wanted) === wanted,
      isProved: [...entry.receipts.values()].every(({ receipt }) => receipt.proof !== 'synced'),
    };
    const values = storedValues(entry, mask, row, batch.now);
    this.#writeReceipts(batch, this.#insertStored.run(...values, batch.accountId, batch.now), entry);
  }

  #writeContinued(batch: Batch, entry: StoredEntry, rowId: number): void {
    const mask = this.#sinks.maskOf(entry.receipts.keys());
    const present = this.#presentRow(batch, rowId, mask);
    assertSameMessage(entry, present, rowId);
    this.#writeReceipts(batch, rowId, entry);
    const row: RowFacts = {
      state: stateOf(present.state),
      isComplete: present.will_be_complete === 1,
      isProved: this.#isProved(rowId),
    };
    this.#updateStored.run(...storedValues(entry, mask, row, batch.now), rowId);
  }

  #isProved(rowId: number): boolean {
    return this.#unverified.get(rowId)?.receipts === 0;
  }

  #writeReceipts(batch: Batch, rowId: number, entry: StoredEntry): void {
    for (const [sinkName, placed] of entry.receipts) {
      this.#writeReceipt(batch, rowId, sinkName, placed);
    }
  }

  #writeReceipt(batch: Batch, rowId: number, sinkName: string, { root, receipt }: PlacedReceipt): void {
    const sinkId = this.#sinks.idOf(sinkName);
    this.#upsertReceipt.run(
      rowId,
      sinkId,
      this.#archiveOf(batch, sinkId, encodeText(root)),
      encodeText(receipt.location),
      FORM_CODES[receipt.form],
      receipt.storedOctets,
      PROOF_CODES[receipt.proof],
      receipt.provedAt,
    );
  }

  #archiveOf(batch: Batch, sinkId: number, root: string): number {
    const key = `${sinkId} ${root}`;
    let id = batch.archives.get(key);
    if (id === undefined) {
      this.#insertArchive.run(batch.accountId, sinkId, root);
      id = this.#archive.get(batch.accountId, sinkId, root)?.id;
      if (id === undefined) {
        throw new Error(`the archive ${root} is not there after it was recorded`);
      }
      batch.archives.set(key, id);
    }
    return id;
  }

  /** A complete row keeps the size that it was archived under: with the new one it would pass for archived next time. */
  #writeFailed(batch: Batch, entry: FailedEntry): void {
    const { rowId: known = this.#unreadRow(batch, entry) } = entry;
    const rowId = this.#rowOf(batch, { ...entry, rowId: known });
    const row = this.#factsOf(batch, rowId);
    const { code, text } = entry.failure;
    const attempts = entry.isAttempt === false ? 0 : 1;
    this.#noteFailure.run(attempts, batch.now, encodeNote(code), encodeNote(text), rowId);
    if (!staysAsItIs(row)) {
      const state = STATE_CODES[stateAfterFailure(row, entry.quarantine)];
      this.#updateFailed.run(encodeText(entry.uidl), entry.listedOctets, state, rowId);
    }
  }

  #writeSkipped(batch: Batch, entry: SkippedEntry): void {
    const rowId = this.#rowOf(batch, entry);
    const state = stateAfterSkip(this.#factsOf(batch, rowId));
    if (state === 'skipped') {
      const { uidl, listedOctets, datedAt, rule } = entry;
      const code = STATE_CODES[state];
      this.#updateSkipped.run(encodeText(uidl), listedOctets, code, datedAt, encodeNote(rule), rowId);
    }
  }

  #writeRelisted(batch: Batch, entry: RelistedEntry): void {
    const row = this.#factsOf(batch, entry.rowId);
    this.#updateListed.run(encodeText(entry.uidl), entry.listedOctets, entry.copy ?? null, entry.rowId);
    if (entry.replaces !== undefined) {
      this.#removeEmpty.run(entry.replaces, batch.accountId);
    }
    if (row.isComplete) {
      const state = STATE_CODES[stateAfterRecognition(row)];
      this.#updateRecognised.run(state, batch.now, entry.rowId);
    }
  }

  #factsOf(batch: Batch, rowId: number): RowFacts {
    const present = this.#presentRow(batch, rowId);
    const isComplete = present.is_complete === 1;
    return { state: stateOf(present.state), isComplete, isProved: isComplete && this.#isProved(rowId) };
  }

  /** The row that an entry continues, or a new one in the state `listed`. */
  #rowOf(batch: Batch, entry: FailedEntry | SkippedEntry): number {
    return (
      entry.rowId ?? this.#insert.run(batch.accountId, batch.now, encodeText(entry.uidl), entry.listedOctets)
    );
  }

  #unreadRow(batch: Batch, { uidl, listedOctets }: FailedEntry): number | undefined {
    return this.#unread.get(batch.accountId, encodeText(uidl), listedOctets)?.id;
  }

  #presentRow(batch: Pick<Batch, 'accountId'>, rowId: number, newMask = 0n): PresentRow {
    const present = this.#present.get(newMask, rowId, batch.accountId);
    if (present === undefined) {
      throw new Error(`the ledger has no row ${rowId} in this account`);
    }
    return present;
  }
}

const DIGEST = /^[0-9a-f]{64}$/;

/** What an entry that lacks receipts and gives no reason is recorded with. */
const INCOMPLETE = {
  code: 'ledger-incomplete',
  text: 'not every sink of the job has given a receipt',
} as const;

/** The values of INSERT_STORED and UPDATE_STORED, in their order. */
function storedValues(entry: StoredEntry, mask: bigint, row: RowFacts, now: number): readonly SqlParameter[] {
  const failure = row.isComplete ? undefined : (entry.failure ?? INCOMPLETE);
  return [
    encodeText(entry.uidl),
    entry.listedOctets,
    entry.octets,
    Buffer.from(entry.sha256, 'hex'),
    Buffer.from(entry.headerSha256, 'hex'),
    entry.copy,
    mask,
    STATE_CODES[stateAfterStore(row, entry.quarantine)],
    row.isComplete ? now : null,
    failure === undefined || entry.isAttempt === false ? 0 : 1,
    failure === undefined ? null : now,
    failure === undefined ? null : encodeNote(failure.code),
    failure === undefined ? null : encodeNote(failure.text),
  ];
}

/** Receipts are proofs of one digest. @throws Error where they are not: a defect of the caller, caught before it is recorded. */
function assertDigests(entry: StoredEntry): void {
  if (!DIGEST.test(entry.sha256) || !DIGEST.test(entry.headerSha256)) {
    throw new Error(`not 64 lower-case hex digits: ${entry.sha256} or ${entry.headerSha256}`);
  }
  for (const [sinkName, { receipt }] of entry.receipts) {
    if (receipt.sha256 !== entry.sha256) {
      throw new Error(`the receipt of ${sinkName} is for ${receipt.sha256}, the message is ${entry.sha256}`);
    }
  }
}

function assertSameMessage(entry: StoredEntry, present: PresentRow, rowId: number): void {
  if (present.has_receipt === 1 && present.sha256 !== entry.sha256) {
    throw new Error(`row ${rowId} has receipts for ${present.sha256}; ${entry.sha256} is another message`);
  }
}
