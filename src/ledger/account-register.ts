/**
 * The accounts of one ledger by name: finds, adds and remembers them. Whoever writes a ledger holds its job's lock, so what was
 * read or added here stays as it is until it is changed here.
 */
import type { Commits } from './commits.ts';
import type { Database, Statement } from './sqlite.ts';
import { encodeText } from './text-code.ts';

export interface RegisteredAccount {
  /** Undefined before anything was recorded about it: each question about it has an empty answer then. */
  id: number | undefined;
}

/** As stored: text-code.ts. */
interface Entry {
  readonly host: string | null;
  readonly user: string | null;
  readonly account: RegisteredAccount;
}

export class AccountRegister {
  readonly #commits: Commits;
  readonly #find: Statement<{ id: number; host: string | null; user: string | null }>;
  readonly #upsert: Statement<{ id: number }>;
  readonly #entries = new Map<string, Entry>();

  constructor(database: Database, commits: Commits) {
    this.#commits = commits;
    this.#find = database.prepare('SELECT id, host, user FROM account WHERE name = ?');
    this.#upsert = database.prepare(`INSERT INTO account (name, host, user) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET host = excluded.host, user = excluded.user, next_login_at = NULL, learned_delay_ms = 0
RETURNING id`);
  }

  /**
   * An account whose host or user changed stays the same account: its id is what the job calls it. Where nothing changed
   * nothing is written, and a new one is added with the first thing that is recorded about it: no account costs a sync of its own.
   */
  open(account: { readonly id: string; readonly host: string; readonly user: string }): RegisteredAccount {
    const name = encodeText(account.id);
    const host = encodeText(account.host);
    const user = encodeText(account.user);
    const known = this.#entry(name);
    if (known?.host === host && known.user === user) {
      return known.account;
    }
    const entry = { host, user, account: known?.account ?? { id: undefined } };
    if (entry.account.id !== undefined) {
      this.#commits.runUnsynced(() => this.#add(name, entry));
    }
    this.#entries.set(name, entry);
    return entry.account;
  }

  /**
   * Commits what `work` writes under the account's id, and the account itself where it is new; where it throws, neither is there.
   * Durable with the next sync.
   */
  commit(accountId: string, work: (id: number) => void): void {
    const name = encodeText(accountId);
    // One that never came to a session (a secret was missing) is known by its name alone.
    const entry = this.#entry(name) ?? { host: null, user: null, account: { id: undefined } };
    this.#entries.set(name, entry);
    const { account } = entry;
    const before = account.id;
    try {
      this.#commits.runUnsynced(() => {
        account.id ??= this.#add(name, entry);
        work(account.id);
      });
    } catch (thrown) {
      account.id = before;
      throw thrown;
    }
  }

  #add(name: string, { host, user }: Entry): number {
    const added = this.#upsert.get(name, host, user);
    if (added === undefined) {
      throw new Error('SQLite returned nothing of a row that it wrote');
    }
    return added.id;
  }

  #entry(name: string): Entry | undefined {
    const remembered = this.#entries.get(name);
    if (remembered !== undefined) {
      return remembered;
    }
    const found = this.#find.get(name);
    if (found === undefined) {
      return undefined;
    }
    const entry = { host: found.host, user: found.user, account: { id: found.id } };
    this.#entries.set(name, entry);
    return entry;
  }
}
