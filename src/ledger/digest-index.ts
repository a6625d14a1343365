/**
 * Finds rows by a digest. Most accounts never ask: their messages are known by unique-id. Keeping two indexes of random keys for
 * everybody took half of the time that recording takes, and an eighth of the file; so each is made when it is first asked for, and
 * kept up from then on. Who may only read, and finds none, makes a table of its own for the account, which goes with the connection.
 */
import type { Database, Statement } from './sqlite.ts';

export type DigestColumn = 'sha256' | 'header_sha256';

const INDEX_NAMES = {
  sha256: 'message_by_digest',
  header_sha256: 'message_by_header',
} as const satisfies Record<DigestColumn, string>;

/** Eight octets of a digest find the row or two that are then compared in full, at a quarter of the room. */
const PREFIX_OCTETS = 8;

const ownTable = (column: DigestColumn): string => `temp.${INDEX_NAMES[column]}_own`;

const prefixOf = (column: DigestColumn): string => `substr(${column}, 1, ${PREFIX_OCTETS})`;

export class DigestIndex {
  readonly #database: Database;
  readonly #column: DigestColumn;
  readonly #indexed: Statement<{ id: number }>;
  readonly #own: Statement<{ id: number }>;
  readonly #clear: Statement;
  readonly #fill: Statement;
  #isThere = false;
  /** Accounts that are in the table of our own, with the version of the ledger that they were taken from. */
  readonly #ownVersions = new Map<number, number | string>();

  constructor(database: Database, column: DigestColumn) {
    this.#database = database;
    this.#column = column;
    const own = ownTable(column);
    this.#indexed = database.prepare(`SELECT id FROM message
WHERE account_id = ? AND ${prefixOf(column)} = unhex(?) AND ${column} = unhex(?) ORDER BY id`);
    this.#own = database.prepare(`SELECT m.id FROM ${own} AS own JOIN message AS m ON m.id = own.id
WHERE own.account_id = ? AND own.prefix = unhex(?) AND m.${column} = unhex(?) ORDER BY m.id`);
    this.#clear = database.prepare(`DELETE FROM ${own} WHERE account_id = ?`);
    this.#fill = database.prepare(`INSERT INTO ${own}
SELECT account_id, ${prefixOf(column)}, id FROM message WHERE account_id = ? AND ${column} IS NOT NULL`);
  }

  /** Ids in order of all rows of the account with that digest (hex). Only the first question of a ledger takes long. */
  rowIds(accountId: number, digest: string): readonly number[] {
    const prefix = digest.slice(0, 2 * PREFIX_OCTETS);
    const find = this.#prepareFor(accountId);
    return find.all(accountId, prefix, digest).map(({ id }) => id);
  }

  #prepareFor(accountId: number): Statement<{ id: number }> {
    this.#isThere ||= this.#isMadeAlready() || this.#make();
    if (this.#isThere) {
      return this.#indexed;
    }
    this.#takeOver(accountId);
    return this.#own;
  }

  /** Each question sees the last commit, also beside a running job. */
  #takeOver(accountId: number): void {
    this.#database.exec(`CREATE TABLE IF NOT EXISTS ${ownTable(this.#column)}
(account_id, prefix, id, PRIMARY KEY (account_id, prefix, id)) WITHOUT ROWID`);
    const version = this.#database.pragma('data_version');
    if (this.#ownVersions.get(accountId) !== version) {
      this.#clear.run(accountId);
      this.#fill.run(accountId);
      this.#ownVersions.set(accountId, version);
    }
  }

  #isMadeAlready(): boolean {
    const question = `SELECT 1 AS found FROM sqlite_schema WHERE type = 'index' AND name = '${INDEX_NAMES[this.#column]}'`;
    return this.#database.prepare(question).get() !== undefined;
  }

  /** @returns false where the connection is for reading alone */
  #make(): boolean {
    if (this.#database.isReadOnly) {
      return false;
    }
    const column = this.#column;
    this.#database.exec(`CREATE INDEX IF NOT EXISTS ${INDEX_NAMES[column]}
ON message (account_id, ${prefixOf(column)}) WHERE ${column} IS NOT NULL`);
    return true;
  }
}
