/**
 * Writes messages that the ledger has no row for yet, with their receipts: the usual case, and half of what a run writes.
 * It must not open or close transactions, and must not look for rows: who calls it knows that there are none.
 */
import type { ArchiveIds } from './archive-ids.ts';
import * as SQL from './batch-sql.ts';
import type { RowFacts } from './decide-state.ts';
import { GroupedInsert } from './grouped-insert.ts';
import type { StoredEntry } from './ledger.ts';
import { receiptValues } from './receipt-values.ts';
import type { SinkSet } from './sink-set.ts';
import type { Database, SqlParameter, Statement } from './sqlite.ts';
import { storedValues } from './stored-values.ts';

export class NewRowWriter {
  readonly #sinks: SinkSet;
  readonly #messages: GroupedInsert;
  readonly #receipts: GroupedInsert;
  readonly #lastId: Statement<{ id: number }>;

  constructor(database: Database, sinks: SinkSet) {
    this.#sinks = sinks;
    this.#messages = new GroupedInsert(database, SQL.INTO_MESSAGE, SQL.STORED_ROW, 16);
    this.#receipts = new GroupedInsert(database, SQL.INTO_RECEIPT, SQL.RECEIPT_ROW, 8);
    this.#lastId = database.prepare(SQL.LAST_ID);
  }

  /** Rows get ids in the order of the entries. */
  write(entries: readonly StoredEntry[], accountId: number, archives: ArchiveIds, now: number): void {
    if (entries.length === 0) {
      return;
    }
    const before = this.#lastId.get()?.id ?? 0;
    const messages: SqlParameter[] = [];
    const receipts: SqlParameter[] = [];
    for (const [index, entry] of entries.entries()) {
      const rowId = before + 1 + index;
      messages.push(rowId, accountId, now, ...this.#messageValues(entry, now));
      for (const [sinkName, placed] of entry.receipts) {
        receipts.push(...receiptValues(rowId, this.#sinks.idOf(sinkName), archives, placed));
      }
    }
    this.#messages.run(messages);
    this.#receipts.run(receipts);
  }

  #messageValues(entry: StoredEntry, now: number): readonly SqlParameter[] {
    const mask = this.#sinks.maskOf(entry.receipts.keys());
    const wanted = this.#sinks.wantedMask;
    const row: RowFacts = {
      state: 'listed',
      isComplete: (mask & wanted) === wanted,
      isProved: [...entry.receipts.values()].every(({ receipt }) => receipt.proof !== 'synced'),
    };
    return storedValues(entry, mask, row, now);
  }
}
