/**
 * Brings a ledger file to the schema that this version of mailferry speaks, and refuses files that it must not touch.
 * It must not know what the tables mean.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import { initial } from './migrations/0001-initial.ts';
import type { Database } from './sqlite.ts';

export interface Migration {
  /** Counts from 1 without gaps; becomes the file's `user_version`. */
  readonly number: number;
  readonly sql: string;
}

/** In order, never edited, only added to. */
export const MIGRATIONS: readonly Migration[] = [initial];

/** "mfry": by this SQLite header field `file` and we ourselves tell a ledger from any other database. */
export const APPLICATION_ID = 0x6d667279;

/**
 * Migrates, each step in a transaction of its own.
 * @throws MailferryError scope `run`: `ledger-newer`, `ledger-foreign`, and what SQLite says of damaged files.
 */
export function migrate(database: Database, migrations: readonly Migration[] = MIGRATIONS): void {
  const present = isEmpty(database) ? 0 : checkSchema(database, migrations);
  for (const { number, sql } of migrations) {
    if (number > present) {
      database.transaction(() => {
        database.exec(sql);
        database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${number}`);
      });
    }
  }
}

/** The schema number of the file, once it is clear that it is a ledger and not from the future. */
export function checkSchema(database: Database, migrations: readonly Migration[] = MIGRATIONS): number {
  const { path } = database;
  if (database.pragma('application_id') !== APPLICATION_ID) {
    throw new MailferryError(`${path} is a SQLite database, but not a ledger of mailferry`, {
      code: 'ledger-foreign',
      scope: 'run',
      retry: 'never',
      hint: 'Give the job another state folder, or move that file away.',
    });
  }
  const present = Number(database.pragma('user_version'));
  const known = migrations.at(-1)?.number ?? 0;
  if (present > known) {
    throw new MailferryError(
      `the ledger ${path} has schema ${present}; this version of mailferry knows schemas up to ${known}`,
      {
        code: 'ledger-newer',
        scope: 'run',
        retry: 'never',
        hint: 'Upgrade mailferry to the version that wrote the ledger, or a later one.',
      },
    );
  }
  return present;
}

/** A reader cannot migrate. @throws MailferryError scope `run`: `ledger-older`, and as `checkSchema`. */
export function requireCurrent(database: Database, migrations: readonly Migration[] = MIGRATIONS): void {
  const present = checkSchema(database, migrations);
  const known = migrations.at(-1)?.number ?? 0;
  if (present < known) {
    throw new MailferryError(
      `the ledger ${database.path} has schema ${present}; ${known} is needed to read it`,
      {
        code: 'ledger-older',
        scope: 'run',
        retry: 'never',
        hint: 'Run the job once with this version of mailferry: it brings the ledger up to date.',
      },
    );
  }
}

/** A file without a single table: new, or created by a run that was killed before its first commit. */
export function isEmpty(database: Database): boolean {
  const row = database.prepare<{ tables: number }>('SELECT count(*) AS tables FROM sqlite_schema').get();
  return row?.tables === 0 && database.pragma('application_id') === 0;
}
