/**
 * Transactions that are durable when their promise resolves. SQLite could sync its write-ahead log within COMMIT, but that holds the
 * only thread there is, and with it every session: here the log is synced by the thread pool, once for all that was committed before.
 *
 * So the database is set to `synchronous = NORMAL`, in which SQLite itself syncs the log before it brings pages home, and the rest is
 * done here (https://sqlite.org/pragma.html#pragma_synchronous). What is committed and not synced may be read, and must not be told.
 * After an error from fsync nothing more is recorded, since a second one would not be believed, and pages of the log are not brought
 * home any more: the next run reads the log afresh and takes of it what its checksums prove.
 */
import { closeSync, fdatasync, fsync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { type Failpoint, NO_FAILPOINT } from '../errors/failpoint.ts';
import { ledgerError } from './ledger-error.ts';
import type { Database } from './sqlite.ts';

/** Gives what an open descriptor stands for to the disk. */
export type Sync = (fd: number) => Promise<void>;

export interface Syncs {
  readonly log: Sync;
  readonly folder: Sync;
}

const ON_DISK: Syncs = {
  // The log's octets and its length. Its times are nobody's concern: once SQLite writes the log over from its beginning they are all
  // that fsync would have the file system's journal committed for.
  log: promisify(fdatasync),
  folder: promisify(fsync),
};

export class Commits {
  readonly #database: Database;
  readonly #failpoint: Failpoint;
  readonly #syncs: Syncs;
  /** The write-ahead log. It is opened once: only so does fsync tell of every error since. */
  readonly #log: number;
  #failure: Error | undefined;
  /** The sync that has begun: it may have missed what was committed since. */
  #running: Promise<void> = Promise.resolve();
  /** The one behind it, which has not begun and will miss nothing. */
  #next: Promise<void> | undefined;
  #isOpen = true;

  /** The folder, until it is known that the log's name in it is durable. */
  #folder: number | undefined;

  /** To be called when the log is there and synced. @throws MailferryError `ledger-io` */
  constructor(database: Database, failpoint: Failpoint | undefined, syncs: Syncs = ON_DISK) {
    this.#database = database;
    this.#failpoint = failpoint ?? NO_FAILPOINT;
    this.#syncs = syncs;
    try {
      this.#log = openSync(`${database.path}-wal`, 'r+');
      this.#folder = openSync(dirname(database.path), 'r');
    } catch (thrown) {
      throw ledgerError(thrown, database.path);
    }
    database.exec('PRAGMA synchronous = NORMAL');
  }

  /** Runs `work` in one transaction. @throws MailferryError scope run: nothing of it happened, or nobody knows whether it will last */
  async run<Result>(work: () => Result): Promise<Result> {
    const result = this.runUnsynced(work);
    await this.synced();
    return result;
  }

  /** Resolves when all that was committed before is durable. @throws MailferryError scope run: nobody knows whether it will last */
  async synced(): Promise<void> {
    this.#next ??= this.#syncNext();
    await this.#next;
    this.#failpoint('ledger.synced');
  }

  /** Commits: durable with the next sync, or `synced`. A power cut before may take it; a kill does not. */
  runUnsynced<Result>(work: () => Result): Result {
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
    return this.#database.transaction(work);
  }

  /** Whether all that the log holds may be believed. */
  get isSound(): boolean {
    return this.#failure === undefined;
  }

  /** To be called when nothing is running any more. Idempotent. */
  close(): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      closeSync(this.#log);
      this.#closeFolder();
    }
  }

  async #syncNext(): Promise<void> {
    // Whoever waits for the one before is told of its failure, and so is whoever comes behind it.
    await this.#running.catch(() => undefined);
    this.#next = undefined;
    this.#running = this.#syncLog();
    await this.#running;
  }

  async #syncLog(): Promise<void> {
    try {
      if (this.#failure === undefined) {
        await Promise.all([this.#syncs.log(this.#log), this.#syncFolder()]);
      }
    } catch (thrown) {
      this.#failure = ledgerError(thrown, this.#database.path);
    }
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
  }

  /** SQLite makes the log anew in each run. */
  async #syncFolder(): Promise<void> {
    if (this.#folder !== undefined) {
      await this.#syncs.folder(this.#folder);
      this.#closeFolder();
    }
  }

  #closeFolder(): void {
    if (this.#folder !== undefined) {
      closeSync(this.#folder);
      this.#folder = undefined;
    }
  }
}
