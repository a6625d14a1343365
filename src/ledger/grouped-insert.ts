/**
 * Inserts many rows of one table with few statements: to hand a row over to SQLite costs about as much as to store it, so they
 * are handed over by groups (measured: 10,000 messages with their receipts in 60 % of the time). It must not know what they mean.
 */
import type { Database, SqlParameter, Statement } from './sqlite.ts';

/** Rows of one statement, as many as fit first. More gain little, and the parameters of a statement are limited. */
const GROUPS = [32, 8, 1] as const;

export class GroupedInsert {
  readonly #groups: readonly { readonly statement: Statement; readonly values: number }[];

  /**
   * @param into `INSERT INTO table (column, …)`
   * @param row the placeholders of one row with its brackets, `(?, …)`
   * @param columns how many placeholders
   */
  constructor(database: Database, into: string, row: string, columns: number) {
    this.#groups = GROUPS.map((rows) => ({
      statement: database.prepare(`${into} VALUES ${Array(rows).fill(row).join(', ')}`),
      values: columns * rows,
    }));
  }

  /** @param values of one row behind the other; they are inserted in their order. */
  run(values: readonly SqlParameter[]): void {
    let at = 0;
    for (const group of this.#groups) {
      for (; at + group.values <= values.length; at += group.values) {
        group.statement.runAll(values.slice(at, at + group.values));
      }
    }
  }
}
