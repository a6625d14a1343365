/**
 * The SQL of batch-writer.ts. `:wanted` stands for the mask of the job's sinks. Text only; it must not know who runs it.
 */
import { PROOF_CODES, STATE_CODES } from './codes.ts';

export const INSERT = `INSERT INTO message (account_id, first_seen_at, copy, state, sinks, uidl, listed_octets, attempts)
VALUES (?, ?, 0, ${STATE_CODES.listed}, 0, ?, ?, 0)`;

export const PRESENT = `SELECT state, lower(hex(sha256)) AS sha256, sinks <> 0 AS has_receipt,
  (sinks & :wanted) = :wanted AS is_complete, ((sinks | ?) & :wanted) = :wanted AS will_be_complete
FROM message WHERE id = ? AND account_id = ?`;

/** `sha256` and `header_sha256` go as hex digits, which cost less to hand over than a Buffer. */
export const INTO_MESSAGE = `INSERT INTO message (id, account_id, first_seen_at, uidl, listed_octets, octets, sha256,
  header_sha256, copy, sinks, state, archived_at, attempts, failed_at, error_code, error_text)`;

/** From the fourth on in the order of `storedValues`. */
export const STORED_ROW = '(?, ?, ?, ?, ?, ?, unhex(?), unhex(?), ?, ?, ?, ?, ?, ?, ?, ?)';

/** The id that the next row would get is one more (https://sqlite.org/autoinc.html). */
export const LAST_ID = 'SELECT max(id) AS id FROM message';

/** `attempts`, `failed_at` and the error belong together: all set by a failure, the latter three cleared by a success. */
export const UPDATE_STORED = `UPDATE message SET uidl = ?, listed_octets = ?, octets = ?, sha256 = unhex(?), header_sha256 = unhex(?),
  copy = ?, sinks = sinks | ?, state = ?, archived_at = coalesce(archived_at, ?), attempts = attempts + ?, failed_at = ?,
  error_code = ?, error_text = ?, skip_rule = NULL, unlisted_at = NULL
WHERE id = ?`;

export const UPDATE_FAILED = `UPDATE message SET uidl = ?, listed_octets = ?, state = ?, skip_rule = NULL, unlisted_at = NULL WHERE id = ?`;

export const NOTE_FAILURE = `UPDATE message SET attempts = attempts + ?, failed_at = ?, error_code = ?, error_text = ? WHERE id = ?`;

export const UPDATE_SKIPPED = `UPDATE message SET uidl = ?, listed_octets = ?, state = ?, dated_at = coalesce(?, dated_at),
  skip_rule = ?, failed_at = NULL, error_code = NULL, error_text = NULL, unlisted_at = NULL
WHERE id = ?`;

export const UPDATE_LISTED =
  'UPDATE message SET uidl = ?, listed_octets = ?, copy = coalesce(?, copy) WHERE id = ?';

/** Only a row that holds nothing. */
export const REMOVE_EMPTY =
  'DELETE FROM message WHERE id = ? AND account_id = ? AND sinks = 0 AND sha256 IS NULL';

/** A change that was settled is history; one that goes on is counted up. */
export const UPSERT_UIDL_CHANGE = `INSERT INTO uidl_change (account_id, noticed_at, settled_at, followed) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  noticed_at = CASE WHEN settled_at IS NULL THEN noticed_at ELSE excluded.noticed_at END,
  followed = CASE WHEN settled_at IS NULL THEN followed ELSE 0 END + excluded.followed,
  settled_at = excluded.settled_at`;

export const UPDATE_STATE = 'UPDATE message SET state = ? WHERE id = ?';

export const UPDATE_RECOGNISED = `UPDATE message SET state = ?, archived_at = coalesce(archived_at, ?), failed_at = NULL,
  error_code = NULL, error_text = NULL, skip_rule = NULL, unlisted_at = NULL
WHERE id = ?`;

/** The time is kept from when it was first missed. */
export const UPDATE_PRESENCE = `UPDATE message SET unlisted_at = CASE WHEN ? THEN NULL ELSE coalesce(unlisted_at, ?) END
WHERE id = ? AND account_id = ?`;

/** In the ledger's own words for a row in trouble of which no octets are known. */
export const UNREAD = `SELECT id FROM message
WHERE account_id = ? AND uidl = ? AND listed_octets IS ? AND failed_at IS NOT NULL AND sha256 IS NULL
  AND state IN (${STATE_CODES.listed}, ${STATE_CODES.quarantined}) ORDER BY id`;

export const INTO_RECEIPT = `INSERT INTO receipt
  (message_id, sink_id, archive_id, location, form, stored_octets, proof, proved_at)`;

export const RECEIPT_ROW = '(?, ?, ?, ?, ?, ?, ?, ?)';

export const UPSERT_RECEIPT = `${INTO_RECEIPT} VALUES ${RECEIPT_ROW}
ON CONFLICT DO UPDATE SET archive_id = excluded.archive_id, location = excluded.location, form = excluded.form,
  stored_octets = excluded.stored_octets, proof = excluded.proof, proved_at = excluded.proved_at`;

export const UNVERIFIED = `SELECT count(*) AS receipts FROM receipt
WHERE message_id = ? AND proof = ${PROOF_CODES.synced} AND (:wanted >> (sink_id - 1)) & 1`;

export const UPSERT_JOURNAL = `INSERT INTO journal (account_id, sink_id, value, written_at) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, written_at = excluded.written_at`;

export const INSERT_ARCHIVE =
  'INSERT INTO archive (account_id, sink_id, root) VALUES (?, ?, ?) ON CONFLICT DO NOTHING';

export const ARCHIVE = 'SELECT id FROM archive WHERE account_id = ? AND sink_id = ? AND root = ?';
