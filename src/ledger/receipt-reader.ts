/**
 * Reads the receipts of an account place by place: what verification compares the sinks with. It must not write.
 */
import type { SinkJournal } from '../sink/sink.ts';
import { formOf, proofOf, stateOf } from './codes.ts';
import type { RecordedArchive, RecordedReceipt } from './ledger.ts';
import type { SinkSet } from './sink-set.ts';
import type { Database, Statement } from './sqlite.ts';
import { decodeText, encodeText } from './text-code.ts';

/** Rows of one page of `receiptsIn`: no statement stays open between two rows, and memory stays flat. */
const PAGE_ROWS = 500;

const ARCHIVES = `
SELECT k.name AS sink, v.root, count(*) AS receipts, sum(r.stored_octets) AS stored_octets
FROM message m JOIN receipt r ON r.message_id = m.id JOIN archive v ON v.id = r.archive_id JOIN sink k ON k.id = r.sink_id
WHERE m.account_id = ? GROUP BY v.id ORDER BY v.sink_id, v.id`;

const ARCHIVE = `
SELECT v.id, v.sink_id FROM archive v JOIN sink k ON k.id = v.sink_id
WHERE v.account_id = ? AND k.name = ? AND v.root = ?`;

const PAGE = `
SELECT m.id, m.uidl, m.listed_octets, m.state, r.location, r.form, r.stored_octets, lower(hex(m.sha256)) AS sha256,
  r.proof, r.proved_at
FROM message m JOIN receipt r ON r.message_id = m.id AND r.sink_id = ? AND r.archive_id = ?
WHERE m.account_id = ? AND m.id > ? ORDER BY m.id LIMIT ${PAGE_ROWS}`;

interface StoredArchive {
  readonly sink: string;
  readonly root: string;
  readonly receipts: number;
  readonly stored_octets: number;
}

interface StoredReceipt {
  readonly id: number;
  readonly uidl: string;
  readonly listed_octets: number | null;
  readonly state: number;
  readonly location: string;
  readonly form: number;
  readonly stored_octets: number;
  readonly sha256: string;
  readonly proof: number;
  readonly proved_at: number;
}

/** The prepared questions about receipts, for all accounts of one ledger. */
export class ReceiptReader {
  readonly #sinks: SinkSet;
  readonly #archives: Statement<StoredArchive>;
  readonly #archive: Statement<{ id: number; sink_id: number }>;
  readonly #page: Statement<StoredReceipt>;
  readonly #journal: Statement<{ value: string }>;

  constructor(database: Database, sinks: SinkSet) {
    this.#sinks = sinks;
    this.#archives = database.prepare(ARCHIVES);
    this.#archive = database.prepare(ARCHIVE);
    this.#page = database.prepare(PAGE);
    this.#journal = database.prepare('SELECT value FROM journal WHERE account_id = ? AND sink_id = ?');
  }

  archives(accountId: number): readonly RecordedArchive[] {
    return this.#archives.all(accountId).map((stored) => ({
      sink: decodeText(stored.sink),
      root: decodeText(stored.root),
      receipts: stored.receipts,
      storedOctets: stored.stored_octets,
    }));
  }

  *receiptsIn(
    accountId: number,
    { sink, root }: Pick<RecordedArchive, 'sink' | 'root'>,
  ): Generator<RecordedReceipt, void, undefined> {
    const archive = this.#archive.get(accountId, encodeText(sink), encodeText(root));
    if (archive === undefined) {
      return;
    }
    let last = 0;
    for (;;) {
      const page = this.#page.all(archive.sink_id, archive.id, accountId, last);
      for (const stored of page) {
        last = stored.id;
        yield recordedReceipt(stored);
      }
      if (page.length < PAGE_ROWS) {
        return;
      }
    }
  }

  journal(accountId: number, sinkName: string): Pick<SinkJournal, 'read'> {
    const sinkId = this.#sinks.idOf(sinkName);
    return {
      read: () => {
        const stored = this.#journal.get(accountId, sinkId)?.value;
        // Only BatchWriter.writeJournal fills this column, with what JSON.stringify made of a JsonValue.
        return stored === undefined ? undefined : (JSON.parse(stored) as ReturnType<SinkJournal['read']>);
      },
    };
  }
}

function recordedReceipt(stored: StoredReceipt): RecordedReceipt {
  return {
    rowId: stored.id,
    uidl: decodeText(stored.uidl),
    listedOctets: stored.listed_octets,
    state: stateOf(stored.state),
    receipt: {
      location: decodeText(stored.location),
      form: formOf(stored.form),
      storedOctets: stored.stored_octets,
      sha256: stored.sha256,
      proof: proofOf(stored.proof),
      provedAt: stored.proved_at,
    },
  };
}
