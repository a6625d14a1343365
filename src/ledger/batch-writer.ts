/**
 * Writes what one batch changed. All moves of state go through `moveState`. It must not open or close transactions: its
 * caller does, so that a batch is one.
 */
import type { JsonValue } from '../sink/sink.ts';
import { ArchiveIds, ArchiveRows } from './archive-ids.ts';
import * as SQL from './batch-sql.ts';
import { STATE_CODES, stateOf } from './codes.ts';
import {
  type RowFacts,
  stateAfterFailure,
  stateAfterRecognition,
  stateAfterSkip,
  staysAsItIs,
} from './decide-state.ts';
import type { FailedEntry, LedgerBatch, RelistedEntry, SkippedEntry, StoredEntry } from './ledger.ts';
import { NewRowWriter } from './new-rows.ts';
import { receiptValues } from './receipt-values.ts';
import type { SinkSet } from './sink-set.ts';
import type { Database, Statement } from './sqlite.ts';
import { type Move, moveState } from './states.ts';
import { storedValues } from './stored-values.ts';
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
  readonly archives: ArchiveIds;
}

/** The prepared writes of one ledger. */
export class BatchWriter {
  readonly #sinks: SinkSet;
  readonly #insert: Statement;
  readonly #present: Statement<PresentRow>;
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
  readonly #archives: ArchiveRows;
  readonly #newRows: NewRowWriter;

  constructor(database: Database, sinks: SinkSet) {
    this.#sinks = sinks;
    // The mask is the same for the life of the ledger, so it is part of the text; it is an integer of our own making.
    const prepare = <Row = never>(sql: string): Statement<Row> =>
      database.prepare<Row>(sql.replaceAll(':wanted', sinks.wantedMask.toString()));
    this.#insert = prepare(SQL.INSERT);
    this.#present = prepare(SQL.PRESENT);
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
    this.#archives = new ArchiveRows(database);
    this.#newRows = new NewRowWriter(database, sinks);
  }

  write(accountId: number, changes: LedgerBatch, now: number): void {
    const batch: Batch = { accountId, now, archives: new ArchiveIds(this.#archives, accountId) };
    this.#writeStored(batch, changes.stored ?? []);
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

  #writeStored(batch: Batch, entries: readonly StoredEntry[]): void {
    const { accountId, archives, now } = batch;
    const fresh = entries.filter(({ rowId }) => rowId === undefined);
    this.#newRows.write(fresh, accountId, archives, now);
    for (const entry of entries) {
      if (entry.rowId !== undefined) {
        this.#writeContinued(batch, entry, entry.rowId);
      }
    }
  }

  #writeContinued(batch: Batch, entry: StoredEntry, rowId: number): void {
    const mask = this.#sinks.maskOf(entry.receipts.keys());
    const present = this.#presentRow(batch, rowId, mask);
    assertSameMessage(entry, present, rowId);
    for (const [sinkName, placed] of entry.receipts) {
      this.#upsertReceipt.run(...receiptValues(rowId, this.#sinks.idOf(sinkName), batch.archives, placed));
    }
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

function assertSameMessage(entry: StoredEntry, present: PresentRow, rowId: number): void {
  if (present.has_receipt === 1 && present.sha256 !== entry.sha256) {
    throw new Error(`row ${rowId} has receipts for ${present.sha256}; ${entry.sha256} is another message`);
  }
}
