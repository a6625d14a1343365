/**
 * Reads an account's rows while its server is busy: one that opens a large maildrop takes longer over its answer to the login than
 * the rows take us. Some in each turn of the event loop, so that everybody else goes on.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KnownMessage } from '../ledger/ledger.ts';
import { KnownIndex } from './known-index.ts';

/** Rows of one turn: a page of the ledger. */
const ROWS_PER_TURN = 2000;

/** Most rows that all accounts together hold ahead of their time, some 40 MB: many may wait for their logins at once. */
const MAX_ROWS = 300_000;

/** What the accounts of a run share. */
export class RowBudget {
  #left: number;

  constructor(rows = MAX_ROWS) {
    this.#left = rows;
  }

  take(rows: number): boolean {
    const isGranted = this.#left >= rows;
    this.#left -= isGranted ? rows : 0;
    return isGranted;
  }

  giveBack(rows: number): void {
    this.#left += rows;
  }
}

/** The rows of one account, once. Whoever makes one takes them or releases it. */
export class RowsAhead {
  #rest: Iterator<KnownMessage> | undefined;
  #index = new KnownIndex();
  readonly #budget: RowBudget;
  #granted = 0;
  #isReading = false;
  #failure: { readonly thrown: unknown } | undefined;

  /** @param rows of which nothing was read yet. Nobody may change them between `begin` and `take`. */
  constructor(rows: Iterable<KnownMessage>, budget: RowBudget) {
    this.#rest = rows[Symbol.iterator]();
    this.#budget = budget;
  }

  /** Reads on in the background, as far as the budget goes. What reading throws is thrown by `take`. */
  begin(): void {
    if (!this.#isReading) {
      this.#isReading = true;
      void this.#read();
    }
  }

  /** All rows; what is not there yet is read now. @throws what reading throws. */
  take(): KnownIndex {
    const rest = this.#rest;
    const index = this.#index;
    this.release();
    if (this.#failure !== undefined) {
      throw this.#failure.thrown;
    }
    if (rest !== undefined) {
      addRows(rest, index, Number.POSITIVE_INFINITY);
    }
    return index;
  }

  /** Gives up what is held, and reads no further. */
  release(): void {
    this.#rest = undefined;
    this.#index = new KnownIndex();
    this.#budget.giveBack(this.#granted);
    this.#granted = 0;
  }

  async #read(): Promise<void> {
    try {
      for (await nextTurn(); this.#rest !== undefined && this.#budget.take(ROWS_PER_TURN); await nextTurn()) {
        this.#granted += ROWS_PER_TURN;
        if (!addRows(this.#rest, this.#index, ROWS_PER_TURN)) {
          return;
        }
      }
    } catch (thrown) {
      this.#failure = { thrown };
    }
  }
}

/** @returns whether there may be more. */
function addRows(rows: Iterator<KnownMessage>, index: KnownIndex, most: number): boolean {
  for (let count = 0; count < most; count++) {
    const next = rows.next();
    if (next.done === true) {
      return false;
    }
    index.add(next.value);
  }
  return true;
}
