/**
 * Reads an account's rows while its server is busy: one that opens a large maildrop takes as long over its answer to the login as
 * the rows take us. A page in each turn of the event loop, so that everybody else goes on.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KnownMessage, KnownRows } from '../ledger/ledger.ts';

/** Most pages that all accounts together hold ahead of their time, some 20 MB: many may wait for their logins at once. */
const MAX_PAGES = 200;

/** What the accounts of a run share. */
export class PageBudget {
  #left: number;

  constructor(pages = MAX_PAGES) {
    this.#left = pages;
  }

  take(): boolean {
    const isGranted = this.#left > 0;
    this.#left -= isGranted ? 1 : 0;
    return isGranted;
  }

  giveBack(pages: number): void {
    this.#left += pages;
  }
}

/** The rows of one account, once. Whoever makes one takes them or releases it. */
export class RowsAhead implements Iterable<KnownMessage> {
  #rows: KnownRows | undefined;
  readonly #budget: PageBudget;
  #pages = 0;
  #isReading = false;
  #failure: { readonly thrown: unknown } | undefined;

  /** @param rows of which nothing was read yet. Nobody may change them between `begin` and taking them from here. */
  constructor(rows: KnownRows, budget: PageBudget) {
    this.#rows = rows;
    this.#budget = budget;
  }

  /** Reads on in the background, as far as the budget goes. What reading throws comes with the rows. */
  begin(): void {
    if (!this.#isReading) {
      this.#isReading = true;
      void this.#read();
    }
  }

  /** Gives up what is held, and reads no further. */
  release(): void {
    this.#take();
  }

  *[Symbol.iterator](): Generator<KnownMessage, void, undefined> {
    const rows = this.#take();
    if (this.#failure !== undefined) {
      throw this.#failure.thrown;
    }
    yield* rows ?? [];
  }

  async #read(): Promise<void> {
    try {
      for (await nextTurn(); this.#rows !== undefined && this.#budget.take(); await nextTurn()) {
        this.#pages += 1;
        if (!this.#rows.readAhead()) {
          return;
        }
      }
    } catch (thrown) {
      this.#failure = { thrown };
    }
  }

  #take(): KnownRows | undefined {
    const rows = this.#rows;
    this.#rows = undefined;
    this.#budget.giveBack(this.#pages);
    this.#pages = 0;
    return rows;
  }
}
