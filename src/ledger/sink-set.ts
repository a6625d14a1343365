/**
 * The sinks that a ledger knows, as numbers and as bits: `message.sinks` holds bit n where the sink with id n+1 has a
 * receipt. It must not know how a receipt came about.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { Database } from './sqlite.ts';
import { decodeText, encodeText } from './text-code.ts';

/** How many fit into one SQLite integer beside the sign and NOWHERE. */
const MAX_SINKS = 62;

/** The bit that no sink has: a job with a sink that the ledger has never seen has no complete message. */
const NOWHERE = 1n << 62n;

export class SinkSet {
  readonly #ids: ReadonlyMap<string, number>;
  /** The bits of the sinks that make a message complete. */
  readonly wantedMask: bigint;

  /** Without `wanted`, every sink that the ledger knows is wanted. */
  constructor(ids: ReadonlyMap<string, number>, wanted: readonly string[] | undefined) {
    this.#ids = ids;
    this.wantedMask = [...(wanted ?? ids.keys())].reduce((mask, name) => {
      const id = ids.get(name);
      return mask | (id === undefined ? NOWHERE : bitOf(id));
    }, 0n);
  }

  /** @throws Error for a name that openLedger was not given: a defect of the caller. */
  idOf(name: string): number {
    const id = this.#ids.get(name);
    if (id === undefined) {
      throw new Error(`the ledger was opened without the sink ${name}`);
    }
    return id;
  }

  maskOf(names: Iterable<string>): bigint {
    return [...names].reduce((mask, name) => mask | bitOf(this.idOf(name)), 0n);
  }

  /** The names behind a mask, in the order in which the ledger came to know them. */
  namesOf(mask: bigint): readonly string[] {
    return [...this.#ids].filter(([, id]) => (mask & bitOf(id)) !== 0n).map(([name]) => name);
  }
}

/** The sinks that the ledger knows by now. */
export function readSinks(database: Database, wanted: readonly string[] | undefined): SinkSet {
  const rows = database.prepare<{ id: number; name: string }>('SELECT id, name FROM sink ORDER BY id').all();
  return new SinkSet(new Map(rows.map(({ id, name }) => [decodeText(name), id])), wanted);
}

/** Makes every sink of the job known. @throws MailferryError `ledger-sinks` where a job has had more than 62 in its life. */
export function registerSinks(database: Database, names: readonly string[]): SinkSet {
  const known = database.prepare<{ known: number }>('SELECT 1 AS known FROM sink WHERE name = ?');
  const count = database.prepare<{ sinks: number }>('SELECT count(*) AS sinks FROM sink');
  const insert = database.prepare('INSERT INTO sink (name) VALUES (?)');
  database.transaction(() => {
    for (const name of names.map(encodeText)) {
      if (known.get(name) === undefined) {
        if ((count.get()?.sinks ?? 0) >= MAX_SINKS) {
          throw tooManySinks(name);
        }
        insert.run(name);
      }
    }
  });
  return readSinks(database, names);
}

function bitOf(sinkId: number): bigint {
  return 1n << BigInt(sinkId - 1);
}

function tooManySinks(name: string): MailferryError {
  return new MailferryError(
    `the ledger cannot take the sink ${name}: it knows ${MAX_SINKS} already, counting those that the job has no more`,
    {
      code: 'ledger-sinks',
      scope: 'run',
      retry: 'never',
      hint: 'Give the job a new state folder.',
    },
  );
}
