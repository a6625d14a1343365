/** When an account may log in again: reading and writing. It must not look at messages. */
import type { LoginTimes } from './ledger.ts';
import type { Database, Statement } from './sqlite.ts';

interface StoredTimes {
  readonly next_login_at: number | null;
  readonly learned_delay_ms: number;
}

/** Nothing is known: it may log in now. */
export const NO_LOGIN_TIMES: LoginTimes = { nextLoginAt: null, learnedDelayMs: 0 };

export class LoginTimeRows {
  readonly #read: Statement<StoredTimes>;
  readonly #write: Statement;

  constructor(database: Database) {
    this.#read = database.prepare('SELECT next_login_at, learned_delay_ms FROM account WHERE id = ?');
    this.#write = database.prepare('UPDATE account SET next_login_at = ?, learned_delay_ms = ? WHERE id = ?');
  }

  read(accountId: number): LoginTimes {
    const stored = this.#read.get(accountId);
    return stored === undefined
      ? NO_LOGIN_TIMES
      : { nextLoginAt: stored.next_login_at, learnedDelayMs: stored.learned_delay_ms };
  }

  write(accountId: number, { nextLoginAt, learnedDelayMs }: LoginTimes): void {
    this.#write.run(nextLoginAt, learnedDelayMs, accountId);
  }
}
