/**
 * The accounts of one ledger by name: finds, adds and remembers them. Whoever writes a ledger holds its job's lock, so what was
 * read or added here stays as it is until it is changed here.
 */
import type { Database, Statement } from './sqlite.ts';
import { encodeText } from './text-code.ts';

export interface RegisteredAccount {
  readonly id: number;
  /** Added by this register, and nothing was recorded about it since: each question about it has an empty answer. */
  isBlank: boolean;
}

/** As stored: text-code.ts. */
interface Entry {
  readonly host: string | null;
  readonly user: string | null;
  readonly account: RegisteredAccount;
}

export class AccountRegister {
  readonly #database: Database;
  readonly #find: Statement<{ id: number; host: string | null; user: string | null }>;
  readonly #upsert: Statement<{ id: number }>;
  readonly #insert: Statement<{ id: number }>;
  readonly #entries = new Map<string, Entry>();

  constructor(database: Database) {
    this.#database = database;
    this.#find = database.prepare('SELECT id, host, user FROM account WHERE name = ?');
    this.#upsert = database.prepare(`INSERT INTO account (name, host, user) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET host = excluded.host, user = excluded.user, next_login_at = NULL, learned_delay_ms = 0
RETURNING id`);
    this.#insert = database.prepare('INSERT INTO account (name) VALUES (?) RETURNING id');
  }

  /**
   * An account whose host or user changed stays the same account: its id is what the job calls it. Where nothing changed
   * nothing is written, so that a night with nothing new costs no fsync per account.
   */
  open(account: { readonly id: string; readonly host: string; readonly user: string }): RegisteredAccount {
    const name = encodeText(account.id);
    const host = encodeText(account.host);
    const user = encodeText(account.user);
    const known = this.#entry(name);
    if (known?.host === host && known.user === user) {
      return known.account;
    }
    const { id } = this.#database.transaction(() => written(this.#upsert.get(name, host, user)));
    const registered = known?.account ?? { id, isBlank: true };
    this.#entries.set(name, { host, user, account: registered });
    return registered;
  }

  /** An account that never came to a session (a secret was missing) is known by its name alone. Within a transaction. */
  idOf(accountId: string): number {
    const name = encodeText(accountId);
    return (this.#entry(name)?.account ?? written(this.#insert.get(name))).id;
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
    const entry = { host: found.host, user: found.user, account: { id: found.id, isBlank: false } };
    this.#entries.set(name, entry);
    return entry;
  }
}

/** The row of a statement that writes one and returns it. */
function written<Row>(row: Row | undefined): Row {
  if (row === undefined) {
    throw new Error('SQLite returned nothing of a row that it wrote');
  }
  return row;
}
