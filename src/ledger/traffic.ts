/**
 * How much each account has fetched on each day (UTC), for limits that count by the day. What is older than a month goes.
 */
import type { Database, Statement } from './sqlite.ts';

export class Traffic {
  readonly #read: Statement<{ octets: number }>;
  readonly #add: Statement;
  readonly #forget: Statement;

  constructor(database: Database) {
    this.#read = database.prepare('SELECT octets FROM traffic WHERE account_id = ? AND day = ?');
    this.#add = database.prepare(`INSERT INTO traffic (account_id, day, octets) VALUES (?, ?, max(0, ?))
ON CONFLICT DO UPDATE SET octets = max(0, traffic.octets + ?)`);
    this.#forget = database.prepare("DELETE FROM traffic WHERE account_id = ? AND day < date(?, '-31 days')");
  }

  on(accountId: number, day: string): number {
    return this.#read.get(accountId, day)?.octets ?? 0;
  }

  add(accountId: number, day: string, octets: number): void {
    this.#add.run(accountId, day, octets, octets);
    this.#forget.run(accountId, day);
  }
}
