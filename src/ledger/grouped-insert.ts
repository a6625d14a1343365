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
  readonly #columns: number;

  /**
   * @param into `INSERT INTO table (column, …)`
   * @param row the placeholders of one row with its brackets, `(?, …)`
   * @param columns how many placeholders
   */
  constructor(database: Database, into: string, row: string, columns: number) {
    this.#columns = columns;
    this.#group = database.prepare(`${into} VALUES ${Array(GROUP_ROWS).fill(row).join(', ')}`);
    this.#single = database.prepare(`${into} VALUES ${row}`);
  }

  /** @param values of one row behind the other; they are inserted in their order. */
  run(values: readonly SqlParameter[]): void {
    const perGroup = this.#columns * GROUP_ROWS;
    let at = 0;
    for (; at + perGroup <= values.length; at += perGroup) {
      this.#group.runAll(values.slice(at, at + perGroup));
    }
    for (; at < values.length; at += this.#columns) {
      this.#single.runAll(values.slice(at, at + this.#columns));
    }
  }
}
