/**
 * The ids of archives (one account's place in one sink) within one batch: each is looked up once, and recorded where it is new.
 */
import * as SQL from './batch-sql.ts';
import type { Database, Statement } from './sqlite.ts';
import { encodeText } from './text-code.ts';

/** The prepared statements, for all batches of one ledger. */
export class ArchiveRows {
  readonly #insert: Statement;
  readonly #find: Statement<{ id: number }>;

  constructor(database: Database) {
    this.#insert = database.prepare(SQL.INSERT_ARCHIVE);
    this.#find = database.prepare(SQL.ARCHIVE);
  }

  /** The id of the archive, which is recorded if it was not. */
  idOf(accountId: number, sinkId: number, root: string): number {
    const encoded = encodeText(root);
    this.#insert.run(accountId, sinkId, encoded);
    const id = this.#find.get(accountId, sinkId, encoded)?.id;
    if (id === undefined) {
      throw new Error(`the archive ${root} is not there after it was recorded`);
    }
    return id;
  }
}

export class ArchiveIds {
  readonly #rows: ArchiveRows;
  readonly #accountId: number;
  readonly #found = new Map<number, Map<string, number>>();

  constructor(rows: ArchiveRows, accountId: number) {
    this.#rows = rows;
    this.#accountId = accountId;
  }

  of(sinkId: number, root: string): number {
    const roots = this.#found.get(sinkId) ?? new Map<string, number>();
    this.#found.set(sinkId, roots);
    const id = roots.get(root) ?? this.#rows.idOf(this.#accountId, sinkId, root);
    roots.set(root, id);
    return id;
  }
}
