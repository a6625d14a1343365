/**
 * The thin typed door to SQLite, and the only file that imports the package behind it. It gives statements, transactions
 * and graded errors. It must not know of tables, messages or jobs, so that `node:sqlite` can take its place one day.
 *
 * What is peculiar to libsql, and kept from everybody else here:
 * - It ends the process (a panic) when it is given a boolean, and takes a lone null or Buffer for named parameters: so
 *   parameters are typed narrowly and always go as one array.
 * - Text that holds NUL is written whole but read back cut: see text-code.ts.
 * - A BLOB comes back as Buffer or as ArrayBuffer, depending on the call: the SQL gives hex digits instead.
 * - It ignores `readonly`: a read-only handle is asked for by a `mode=ro` URI, which also creates no file.
 * - There is no way to finalize a statement: its memory, and with it the file handles, go when it is garbage collected.
 *   `close` therefore ends transactions and checkpoints by itself, and nothing may rely on the handles being gone.
 */
import { pathToFileURL } from 'node:url';
import LibsqlDatabase from 'libsql';
import { type Failpoint, NO_FAILPOINT } from '../errors/failpoint.ts';
import { ledgerError } from './ledger-error.ts';

/** How long a statement waits for another program that holds the file: a person's sqlite3 shell, as a rule. */
export const BUSY_TIMEOUT_MS = 5000;

/** What may be bound. Integers beyond 2^53 go as bigint. */
export type SqlParameter = null | number | bigint | string | Buffer;

/** What of libsql's statement is used; its own types know only `unknown`. */
interface LibsqlStatement {
  run(parameters: readonly SqlParameter[]): { readonly lastInsertRowid: number | bigint };
  get(parameters: readonly SqlParameter[]): unknown;
  all(parameters: readonly SqlParameter[]): unknown[];
}

interface LibsqlHandle {
  readonly inTransaction: boolean;
  prepare(sql: string): LibsqlStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

/** A prepared statement. `Row` is stated by whoever wrote the SQL, right beside it. */
export interface Statement<Row = never> {
  /** Runs it and returns the row id of the last insertion. */
  run(...parameters: readonly SqlParameter[]): number;
  /** The same with its parameters in one array: hundreds of them cost more as arguments than in SQLite. */
  runAll(parameters: readonly SqlParameter[]): number;
  get(...parameters: readonly SqlParameter[]): Row | undefined;
  all(...parameters: readonly SqlParameter[]): readonly Row[];
}

export interface OpenMode {
  /** Opens an existing file for reading only. */
  readonly readOnly: boolean;
  /** How long a statement waits for another process's lock. The whole process waits with it. */
  readonly busyTimeoutMs: number;
  /** For tests. */
  readonly failpoint?: Failpoint | undefined;
}

export class Database {
  readonly path: string;
  readonly isReadOnly: boolean;
  readonly #handle: LibsqlHandle;
  readonly #failpoint: Failpoint;
  #isOpen = true;

  /** @throws MailferryError scope `run`: `ledger-io`, `ledger-damaged`. */
  constructor(path: string, mode: OpenMode) {
    this.path = path;
    this.isReadOnly = mode.readOnly;
    this.#failpoint = mode.failpoint ?? NO_FAILPOINT;
    const name = mode.readOnly ? `${pathToFileURL(path).href}?mode=ro` : path;
    this.#handle = this.#graded(() => new LibsqlDatabase(name));
    this.exec(`PRAGMA busy_timeout = ${mode.busyTimeoutMs}`);
  }

  /** Runs one or several statements that give no rows. */
  exec(sql: string): void {
    this.#graded(() => this.#handle.exec(sql));
  }

  /** Compiled at its first use: a night with nothing new needs few of a ledger's statements. */
  prepare<Row = never>(sql: string): Statement<Row> {
    let compiled: LibsqlStatement | undefined;
    const statement = (): LibsqlStatement => {
      compiled ??= this.#handle.prepare(sql);
      return compiled;
    };
    // The casts below: only the SQL decides the shape of a row, and the type parameter states it.
    const runAll = (parameters: readonly SqlParameter[]): number =>
      Number(this.#graded(() => statement().run(parameters)).lastInsertRowid);
    return {
      runAll,
      run: (...parameters) => runAll(parameters),
      get: (...parameters) => this.#graded(() => statement().get(parameters)) as Row | undefined,
      all: (...parameters) => this.#graded(() => statement().all(parameters)) as readonly Row[],
    };
  }

  /** The single value of a pragma. */
  pragma(name: string): number | string {
    // A pragma that is asked for gives one row with one column of its own name.
    const row = this.prepare<Record<string, number | string>>(`PRAGMA ${name}`).get();
    const value = row?.[name];
    if (value === undefined) {
      throw new Error(`SQLite does not know the pragma ${name}`);
    }
    return value;
  }

  /** Runs `work` in one transaction: all of it is durable when this returns, nothing of it happened when it throws. */
  transaction<Result>(work: () => Result): Result {
    const result = this.#commit(work);
    this.#failpoint('ledger.after-commit');
    return result;
  }

  #commit<Result>(work: () => Result): Result {
    this.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#failpoint('ledger.before-commit');
      this.exec('COMMIT');
      return result;
    } catch (thrown) {
      this.#rollBack();
      throw thrown;
    }
  }

  /** Brings the write-ahead log home as far as readers allow; what must stay in the log is safe there. */
  checkpoint(): void {
    this.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
  }

  /** Ends an open transaction and gives back what can be given back. Idempotent. */
  close(): void {
    if (!this.#isOpen) {
      return;
    }
    this.#isOpen = false;
    this.#rollBack();
    this.#graded(() => this.#handle.close());
  }

  /** After SQLITE_FULL or an I/O error SQLite may have rolled back already; asking twice would be an error of its own. */
  #rollBack(): void {
    if (this.#handle.inTransaction) {
      this.exec('ROLLBACK');
    }
  }

  #graded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (thrown) {
      throw ledgerError(thrown, this.path);
    }
  }
}
