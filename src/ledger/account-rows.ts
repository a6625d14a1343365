/**
 * Reads the rows of an account: the half of `AccountLedger` that a reader has too. It must not write.
 * Statements are prepared once per ledger, not per account: a job may have 50,000 accounts.
 */
import type { Receipt } from '../sink/sink.ts';
import { UNREAD } from './batch-sql.ts';
import { formOf, proofOf, STATE_CODES, stateOf } from './codes.ts';
import { DigestIndex } from './digest-index.ts';
import type { KnownMessage, MessageRow, TroubledRow, UidlChange } from './ledger.ts';
import type { SinkSet } from './sink-set.ts';
import type { Database, Statement } from './sqlite.ts';
import { isVerified } from './states.ts';
import { decodeText, encodeText, isEncoded } from './text-code.ts';

/** A receipt with the place that its location is relative to. */
export interface PlacedReceipt {
  readonly root: string;
  readonly receipt: Receipt;
}

/** Rows of one page of `known`: memory stays flat while the cost per page disappears. */
const PAGE_ROWS = 2000;

/**
 * One page as one JSON text: handing over a row from SQLite costs more than reading it, and this way a page is handed over
 * at once (measured: 100,000 rows in 45 ms instead of 115). Paged by id, no statement stays open between two rows.
 */
const KNOWN_PAGE = `
SELECT json_group_array(json_array(id, uidl, listed_octets, state, is_complete)) AS page FROM (
  SELECT id, uidl, listed_octets, state, (sinks & :wanted) = :wanted AS is_complete
  FROM message WHERE account_id = ? AND id > ? ORDER BY id LIMIT ${PAGE_ROWS})`;

type KnownTuple = readonly [id: number, uidl: string, listedOctets: number | null, state: number, is: 0 | 1];

/** The mask goes as text: a JavaScript number holds only 53 of its 63 bits. */
const ROW = `
SELECT id, uidl, listed_octets, state, (sinks & :wanted) = :wanted AS is_complete, CAST(sinks AS TEXT) AS sinks, octets,
  lower(hex(sha256)) AS sha256, lower(hex(header_sha256)) AS header_sha256, dated_at, copy, first_seen_at, archived_at, attempts, error_code, error_text,
  (SELECT max(proved_at) FROM receipt WHERE message_id = message.id AND (:wanted >> (sink_id - 1)) & 1) AS proved_at
FROM message WHERE account_id = ?`;

interface StoredRow {
  readonly id: number;
  readonly uidl: string;
  readonly listed_octets: number | null;
  readonly state: number;
  readonly is_complete: number;
  readonly sinks: string;
  readonly octets: number | null;
  /** Empty where there is none yet. */
  readonly sha256: string;
  readonly header_sha256: string;
  readonly dated_at: number | null;
  readonly copy: number;
  readonly first_seen_at: number;
  readonly archived_at: number | null;
  readonly proved_at: number | null;
  readonly attempts: number;
  readonly error_code: string | null;
  readonly error_text: string | null;
}

/** Paged as KNOWN_PAGE is; few, as a rule, since each has failed. By itself SQLite would go through all rows, which are in order of id. */
const TROUBLED_PAGE = `
SELECT id, uidl, listed_octets, state, unlisted_at FROM message INDEXED BY message_in_trouble
WHERE account_id = ? AND id > ? AND failed_at IS NOT NULL AND state IN (${STATE_CODES.listed}, ${STATE_CODES.quarantined})
ORDER BY id LIMIT ${PAGE_ROWS}`;

interface StoredTroubled {
  readonly id: number;
  readonly uidl: string;
  readonly listed_octets: number | null;
  readonly state: number;
  readonly unlisted_at: number | null;
}

const RECEIPTS = `
SELECT k.name AS sink, v.root, r.location, r.form, r.stored_octets, lower(hex(m.sha256)) AS sha256, r.proof, r.proved_at
FROM message m JOIN receipt r ON r.message_id = m.id JOIN sink k ON k.id = r.sink_id JOIN archive v ON v.id = r.archive_id
WHERE m.account_id = ? AND m.id = ? ORDER BY r.sink_id`;

const UIDL_CHANGE = `SELECT noticed_at AS noticedAt, settled_at AS settledAt, followed FROM uidl_change WHERE account_id = ?`;

interface StoredReceipt {
  readonly sink: string;
  readonly root: string;
  readonly location: string;
  readonly form: number;
  readonly stored_octets: number;
  readonly sha256: string;
  readonly proof: number;
  readonly proved_at: number;
}

/** The prepared questions about rows, for all accounts of one ledger. */
export class RowReader {
  readonly #sinks: SinkSet;
  readonly #knownPage: Statement<{ page: string }>;
  readonly #byId: Statement<StoredRow>;
  readonly #byDigest: DigestIndex;
  readonly #byHeader: DigestIndex;
  readonly #receipts: Statement<StoredReceipt>;
  readonly #uidlChange: Statement<UidlChange>;
  readonly #troubledPage: Statement<StoredTroubled>;
  readonly #unread: Statement<{ id: number }>;

  constructor(database: Database, sinks: SinkSet) {
    this.#sinks = sinks;
    // The mask is the same for the life of the ledger, so it is part of the text; it is an integer of our own making.
    const prepare = <Row>(sql: string): Statement<Row> =>
      database.prepare<Row>(sql.replaceAll(':wanted', sinks.wantedMask.toString()));
    this.#knownPage = prepare(KNOWN_PAGE);
    this.#byId = prepare(`${ROW} AND id = ?`);
    this.#byDigest = new DigestIndex(database, 'sha256');
    this.#byHeader = new DigestIndex(database, 'header_sha256');
    this.#receipts = prepare(RECEIPTS);
    this.#uidlChange = prepare(UIDL_CHANGE);
    this.#troubledPage = prepare(TROUBLED_PAGE);
    this.#unread = prepare(UNREAD);
  }

  *known(accountId: number): Generator<KnownMessage, void, undefined> {
    let last = 0;
    for (;;) {
      const text = this.#knownPage.get(accountId, last)?.page ?? '[]';
      // What SQLite's json_array was asked for in KNOWN_PAGE.
      const page = JSON.parse(text) as KnownTuple[];
      // As a rule no unique-id of a page has anything to decode, which one look at all of them shows.
      const isPlain = !isEncoded(text);
      for (const [rowId, uidl, listedOctets, state, isComplete] of page) {
        last = rowId;
        yield {
          rowId,
          uidl: isPlain ? uidl : decodeText(uidl),
          listedOctets,
          state: stateOf(state),
          isComplete: isComplete === 1,
        };
      }
      if (page.length < PAGE_ROWS) {
        return;
      }
    }
  }

  rows(accountId: number, rowIds: readonly number[]): readonly MessageRow[] {
    return rowIds
      .flatMap((rowId) => this.#byId.all(accountId, rowId))
      .map((stored) => messageRow(stored, this.#sinks));
  }

  rowsByDigest(accountId: number, sha256: string): readonly MessageRow[] {
    return this.rows(accountId, this.#byDigest.rowIds(accountId, sha256));
  }

  rowsByHeader(accountId: number, headerSha256: string): readonly MessageRow[] {
    return this.rows(accountId, this.#byHeader.rowIds(accountId, headerSha256));
  }

  *troubled(accountId: number): Generator<TroubledRow, void, undefined> {
    let last = 0;
    for (;;) {
      const page = this.#troubledPage.all(accountId, last);
      for (const { id, uidl, listed_octets, state, unlisted_at } of page) {
        last = id;
        yield {
          rowId: id,
          uidl: decodeText(uidl),
          listedOctets: listed_octets,
          state: stateOf(state),
          unlistedAt: unlisted_at,
        };
      }
      if (page.length < PAGE_ROWS) {
        return;
      }
    }
  }

  unread(accountId: number, uidl: string, listedOctets: number | null): readonly number[] {
    return this.#unread.all(accountId, encodeText(uidl), listedOctets).map(({ id }) => id);
  }

  uidlChange(accountId: number): UidlChange | undefined {
    const stored = this.#uidlChange.get(accountId);
    return stored && { noticedAt: stored.noticedAt, settledAt: stored.settledAt, followed: stored.followed };
  }

  receipts(accountId: number, rowId: number): ReadonlyMap<string, PlacedReceipt> {
    return new Map(
      this.#receipts.all(accountId, rowId).map((stored) => [decodeText(stored.sink), placedReceipt(stored)]),
    );
  }
}

function messageRow(stored: StoredRow, sinks: SinkSet): MessageRow {
  const state = stateOf(stored.state);
  return {
    rowId: stored.id,
    uidl: decodeText(stored.uidl),
    listedOctets: stored.listed_octets,
    state,
    isComplete: stored.is_complete === 1,
    octets: stored.octets,
    sha256: stored.sha256 || null,
    headerSha256: stored.header_sha256 || null,
    datedAt: stored.dated_at,
    copy: stored.copy,
    firstSeenAt: stored.first_seen_at,
    archivedAt: stored.archived_at,
    verifiedAt: isVerified(state) && stored.is_complete === 1 ? stored.proved_at : null,
    attempts: stored.attempts,
    lastErrorCode: stored.error_code,
    lastError: stored.error_text,
    sinks: sinks.namesOf(BigInt(stored.sinks)),
  };
}

function placedReceipt(stored: StoredReceipt): PlacedReceipt {
  return {
    root: decodeText(stored.root),
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
