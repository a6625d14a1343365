/**
 * Hosts at which pipelining broke and a session without it went through. It records; for how long that counts is decided elsewhere.
 */
import type { PipeliningTrouble } from './ledger.ts';
import type { Database, Statement } from './sqlite.ts';
import { decodeText, encodeNote, encodeText } from './text-code.ts';

interface StoredTrouble {
  readonly host: string;
  readonly noticed_at: number;
  readonly reason: string;
}

export class PipeliningNotes {
  readonly #one: Statement<StoredTrouble>;
  readonly #note: Statement;

  constructor(database: Database) {
    this.#one = database.prepare('SELECT host, noticed_at, reason FROM pipelining_trouble WHERE host = ?');
    this.#note = database.prepare(
      'INSERT OR REPLACE INTO pipelining_trouble (host, noticed_at, reason) VALUES (?, ?, ?)',
    );
  }

  of(host: string): PipeliningTrouble | undefined {
    const stored = this.#one.get(encodeText(host.toLowerCase()));
    return stored === undefined ? undefined : troubleOf(stored);
  }

  note(host: string, reason: string, now: number): void {
    this.#note.run(encodeText(host.toLowerCase()), now, encodeNote(reason));
  }
}

export function readPipeliningTroubles(database: Database): readonly PipeliningTrouble[] {
  return database
    .prepare<StoredTrouble>(
      'SELECT host, noticed_at, reason FROM pipelining_trouble ORDER BY noticed_at DESC, host',
    )
    .all()
    .map(troubleOf);
}

function troubleOf({ host, noticed_at: noticedAt, reason }: StoredTrouble): PipeliningTrouble {
  return { host: decodeText(host), noticedAt, reason };
}
