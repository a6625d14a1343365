/**
 * Inserts many rows of one table with few statements: to hand a row over to SQLite costs about as much as to store it, so they
 * are handed over by groups (measured: 10,000 messages with their receipts in 60 % of the time). It must not know what they mean.
 */
import type { Database, SqlParameter, Statement } from './sqlite.ts';

/** Rows of one statement. More gain little, and the parameters of a statement are limited. */
const GROUP_ROWS = 32;

export class GroupedInsert {
  readonly #group: Statement;
  readonly #single: Statement;

  /**
   * @param into `INSERT INTO table (column, …)`
   * @param row the placeholders of one row with its brackets, `(?, …)`
   */
  constructor(database: Database, into: string, row: string) {
    this.#group = database.prepare(`${into} VALUES ${Array(GROUP_ROWS).fill(row).join(', ')}`);
    this.#single = database.prepare(`${into} VALUES ${row}`);
  }

  /** Each row has as many values as there are placeholders; they are inserted in their order. */
  run(rows: readonly (readonly SqlParameter[])[]): void {
    const grouped = rows.length - (rows.length % GROUP_ROWS);
    for (let at = 0; at < grouped; at += GROUP_ROWS) {
      this.#group.run(...rows.slice(at, at + GROUP_ROWS).flat());
    }
    for (const row of rows.slice(grouped)) {
      this.#single.run(...row);
    }
  }
}
