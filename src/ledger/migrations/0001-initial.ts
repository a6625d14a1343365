/**
 * Schema 1. Never edited once released: a later change is a later migration.
 * The comments inside the SQL stay in the file: `.schema` in the sqlite3 program shows them.
 */
export const initial = {
  number: 1,
  sql: `
CREATE TABLE account (
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE,  -- the job's id of the account
  host  TEXT,                  -- where it was last; null until its first session
  user  TEXT,
  next_login_at     INTEGER,             -- the server allows no login before; null where it does not say
  learned_delay_ms  INTEGER NOT NULL DEFAULT 0  -- between two logins, as the server was seen to enforce it
);

CREATE TABLE sink (
  id    INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 62),  -- bit id-1 of message.sinks; 62 fit beside the sign
  name  TEXT NOT NULL UNIQUE                              -- never removed: old receipts are recorded under it
);

CREATE TABLE archive (         -- one account's place in one sink; a place that moved is another archive
  id          INTEGER PRIMARY KEY,
  sink_id     INTEGER NOT NULL REFERENCES sink,
  account_id  INTEGER NOT NULL REFERENCES account,
  root        TEXT NOT NULL,   -- what the locations of its receipts are relative to
  UNIQUE (account_id, sink_id, root)
);

CREATE TABLE message_state (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
INSERT INTO message_state VALUES (0, 'listed'), (1, 'archived'), (2, 'verified'), (3, 'deletion-requested'),
  (4, 'deletion-answered'), (5, 'deleted'), (6, 'skipped'), (7, 'quarantined');

CREATE TABLE message (         -- times are milliseconds since 1970, UTC; the view "messages" is made for reading
  id             INTEGER PRIMARY KEY,
  account_id     INTEGER NOT NULL REFERENCES account,
  state          INTEGER NOT NULL REFERENCES message_state,
  sinks          INTEGER NOT NULL,  -- bit n: the sink with id n+1 has a receipt
  uidl           TEXT NOT NULL,     -- one character per octet; controls as their pictures (NUL is U+2400)
  listed_octets  INTEGER,           -- as LIST gave it; null where the server gave none
  octets         INTEGER,           -- of the wire form; null until it was fetched whole
  sha256         BLOB,              -- of the wire form
  header_sha256  BLOB,              -- of the header block
  copy           INTEGER NOT NULL,  -- 0 for the first with this unique-id and digest, 1 for the next
  first_seen_at  INTEGER NOT NULL,
  archived_at    INTEGER,           -- when every sink had it for the first time
  attempts       INTEGER NOT NULL,  -- that failed, in as many runs, through the message itself
  failed_at      INTEGER,           -- the last of them; null once all is well
  dated_at       INTEGER,           -- the message's own date, where a rule needed it
  error_code     TEXT,              -- why it is not (wholly) archived
  error_text     TEXT,
  skip_rule      TEXT,              -- the rule of the job that left it out
  unlisted_at    INTEGER            -- since when listings lack a message that failed; null while it is listed
);
-- Rows of one account in order of id. There is no index on uidl: a listing is compared with all rows of its account at once.
CREATE INDEX message_by_account ON message (account_id);
-- Indexes over the digests are made when they are first needed: see digest-index.ts.
-- The few that are in trouble.
CREATE INDEX message_by_failure ON message (failed_at) WHERE failed_at IS NOT NULL;
CREATE INDEX message_in_trouble ON message (account_id, uidl) WHERE failed_at IS NOT NULL;

CREATE TABLE receipt (         -- a sink's proof that it holds one message; its digest is the message's
  message_id     INTEGER NOT NULL REFERENCES message,
  sink_id        INTEGER NOT NULL REFERENCES sink,
  archive_id     INTEGER NOT NULL REFERENCES archive,
  location       TEXT NOT NULL,     -- relative to the archive's root
  form           INTEGER NOT NULL,  -- 0 exact wire octets, 1 every CRLF became LF
  stored_octets  INTEGER NOT NULL,
  proof          INTEGER NOT NULL,  -- 0 synced, 1 read back, 2 checksum answered by the store
  proved_at      INTEGER NOT NULL,
  PRIMARY KEY (message_id, sink_id)
) WITHOUT ROWID;

CREATE TABLE uidl_change (     -- the last time that a server gave an account's messages other unique-ids
  account_id  INTEGER PRIMARY KEY REFERENCES account,
  noticed_at  INTEGER NOT NULL,
  settled_at  INTEGER,           -- when all that was listed had been compared; null until then
  followed    INTEGER NOT NULL   -- rows that follow new unique-ids
);

CREATE TABLE journal (         -- a sink's own note about one account
  sink_id     INTEGER NOT NULL REFERENCES sink,
  account_id  INTEGER NOT NULL REFERENCES account,
  value       TEXT NOT NULL,   -- JSON
  written_at  INTEGER NOT NULL,
  PRIMARY KEY (account_id, sink_id)
) WITHOUT ROWID;

CREATE TABLE traffic (         -- what an account has fetched on a day, for limits.bytesPerDay
  account_id  INTEGER NOT NULL REFERENCES account,
  day         TEXT NOT NULL,     -- 2026-11-21, UTC
  octets      INTEGER NOT NULL,  -- what is asked for counts from before it is asked for
  PRIMARY KEY (account_id, day)
) WITHOUT ROWID;

CREATE TABLE pipelining_trouble (  -- hosts at which pipelining broke, and a session without it went through
  host        TEXT PRIMARY KEY,    -- in lower case
  noticed_at  INTEGER NOT NULL,
  reason      TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE run (
  id           INTEGER PRIMARY KEY,
  version      TEXT NOT NULL,  -- of mailferry
  started_at   INTEGER NOT NULL,
  finished_at  INTEGER,        -- null while it runs, or where the process was killed
  outcome      TEXT
);

CREATE TABLE account_run (     -- listed = archived_now + archived_before + skipped + quarantined + failed
  run_id           INTEGER NOT NULL REFERENCES run,
  account_id       INTEGER NOT NULL REFERENCES account,
  outcome          TEXT NOT NULL,
  listed           INTEGER NOT NULL,
  archived_now     INTEGER NOT NULL,
  archived_before  INTEGER NOT NULL,
  skipped          INTEGER NOT NULL,
  quarantined      INTEGER NOT NULL,
  failed           INTEGER NOT NULL,
  unreached        INTEGER NOT NULL,  -- the part of failed that the session did not come to
  octets           INTEGER NOT NULL,  -- of wire form, archived now
  started_at       INTEGER NOT NULL,
  finished_at      INTEGER NOT NULL,
  error_code       TEXT,
  error_text       TEXT,
  PRIMARY KEY (run_id, account_id)
) WITHOUT ROWID;
CREATE INDEX account_run_by_account ON account_run (account_id, run_id);

CREATE VIEW messages AS
SELECT m.id, a.name AS account, m.uidl, s.name AS state, m.octets, m.listed_octets,
  lower(hex(m.sha256)) AS sha256, lower(hex(m.header_sha256)) AS header_sha256, m.copy,
  strftime('%Y-%m-%dT%H:%M:%fZ', m.first_seen_at / 1000.0, 'unixepoch') AS first_seen_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', m.archived_at / 1000.0, 'unixepoch') AS archived_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', m.dated_at / 1000.0, 'unixepoch') AS dated_at,
  (SELECT group_concat(k.name, ' ') FROM receipt r JOIN sink k ON k.id = r.sink_id
    WHERE r.message_id = m.id) AS sinks,
  m.attempts, strftime('%Y-%m-%dT%H:%M:%fZ', m.failed_at / 1000.0, 'unixepoch') AS failed_at, m.error_code, m.error_text, m.skip_rule,
  strftime('%Y-%m-%dT%H:%M:%fZ', m.unlisted_at / 1000.0, 'unixepoch') AS unlisted_at
FROM message m JOIN account a ON a.id = m.account_id JOIN message_state s ON s.id = m.state;

CREATE VIEW receipts AS
SELECT r.message_id, a.name AS account, m.uidl, k.name AS sink, v.root, r.location,
  lower(hex(m.sha256)) AS sha256, m.octets, r.stored_octets,
  CASE r.form WHEN 0 THEN 'exact' WHEN 1 THEN 'lf' END AS form,
  CASE r.proof WHEN 0 THEN 'synced' WHEN 1 THEN 'readback' WHEN 2 THEN 'checksum' END AS proof,
  strftime('%Y-%m-%dT%H:%M:%fZ', r.proved_at / 1000.0, 'unixepoch') AS proved_at
FROM receipt r JOIN message m ON m.id = r.message_id JOIN account a ON a.id = m.account_id
  JOIN sink k ON k.id = r.sink_id JOIN archive v ON v.id = r.archive_id;

CREATE VIEW runs AS
SELECT u.id, u.version,
  strftime('%Y-%m-%dT%H:%M:%fZ', u.started_at / 1000.0, 'unixepoch') AS started_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', u.finished_at / 1000.0, 'unixepoch') AS finished_at,
  CASE WHEN u.outcome IS NOT NULL THEN u.outcome
    WHEN u.id < (SELECT max(id) FROM run) THEN 'killed' ELSE 'running or killed' END AS outcome,
  count(c.run_id) AS accounts, coalesce(sum(c.listed), 0) AS listed,
  coalesce(sum(c.archived_now), 0) AS archived_now, coalesce(sum(c.archived_before), 0) AS archived_before,
  coalesce(sum(c.skipped), 0) AS skipped, coalesce(sum(c.quarantined), 0) AS quarantined,
  coalesce(sum(c.failed), 0) AS failed, coalesce(sum(c.octets), 0) AS octets
FROM run u LEFT JOIN account_run c ON c.run_id = u.id GROUP BY u.id;
`,
} as const;
