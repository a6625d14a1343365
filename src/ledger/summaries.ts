/**
 * What `status` asks over all accounts: how many messages are where, and which are in trouble. Read only.
 */
import { STATE_CODES, stateOf } from './codes.ts';
import type { AccountSummary, TroubledMessage, UidlChange } from './ledger.ts';
import { readLastRuns } from './run-history.ts';
import type { Database } from './sqlite.ts';
import type { MessageState } from './states.ts';
import { decodeText } from './text-code.ts';

/** One account's messages in one state; `state` is null for an account without any. */
interface StateCount {
  readonly id: number;
  readonly name: string;
  readonly state: number | null;
  readonly messages: number;
  readonly octets: number;
  readonly incomplete: number;
  readonly next_login_at: number | null;
}

/** One walk over the messages before the accounts are named: grouping by number is several times faster than by name. */
const STATE_COUNTS = `
SELECT a.id, a.name, a.next_login_at, g.state, coalesce(g.messages, 0) AS messages, coalesce(g.octets, 0) AS octets,
  coalesce(g.incomplete, 0) AS incomplete
FROM account a LEFT JOIN (
  SELECT account_id, state, count(*) AS messages, sum(octets) AS octets,
    sum((sinks & :wanted) <> :wanted) AS incomplete
  FROM message GROUP BY account_id, state
) g ON g.account_id = a.id
ORDER BY a.name, g.state`;

const TROUBLED = `
SELECT a.name, m.uidl, m.state, m.attempts, m.error_code, m.error_text, m.first_seen_at, m.failed_at, m.listed_octets,
  m.unlisted_at
FROM message m JOIN account a ON a.id = m.account_id
WHERE m.failed_at IS NOT NULL AND (m.state = ${STATE_CODES.quarantined}) = ? ORDER BY m.failed_at DESC, m.id DESC LIMIT ?`;

const UIDL_CHANGES = `SELECT account_id AS id, noticed_at AS noticedAt, settled_at AS settledAt, followed FROM uidl_change`;

interface StoredTrouble {
  readonly name: string;
  readonly uidl: string;
  readonly state: number;
  readonly attempts: number;
  readonly error_code: string | null;
  readonly error_text: string | null;
  readonly first_seen_at: number;
  readonly failed_at: number | null;
  readonly listed_octets: number | null;
  readonly unlisted_at: number | null;
}

/** Every account by name; `wantedMask` says which sinks make a message complete. */
export function readAccounts(database: Database, wantedMask: bigint): readonly AccountSummary[] {
  const lastRuns = readLastRuns(database);
  const counts = database
    .prepare<StateCount>(STATE_COUNTS.replaceAll(':wanted', wantedMask.toString()))
    .all();
  const uidlChanges = new Map(
    database
      .prepare<UidlChange & { id: number }>(UIDL_CHANGES)
      .all()
      .map(({ id, noticedAt, settledAt, followed }) => [id, { noticedAt, settledAt, followed }]),
  );
  const byAccount = new Map<number, StateCount[]>();
  for (const count of counts) {
    const states = byAccount.get(count.id);
    states === undefined ? byAccount.set(count.id, [count]) : states.push(count);
  }
  return [...byAccount].map(([id, states]) => ({
    account: decodeText(states[0]?.name ?? ''),
    ...totalsOf(states),
    lastRun: lastRuns.get(id),
    nextLoginAt: states[0]?.next_login_at ?? null,
    uidlChange: uidlChanges.get(id) ?? null,
  }));
}

/** Messages whose last attempt failed: the quarantined ones, or the others; the latest failure first. */
export function readTroubled(
  database: Database,
  areQuarantined: boolean,
  limit: number,
): readonly TroubledMessage[] {
  return database
    .prepare<StoredTrouble>(TROUBLED)
    .all(areQuarantined ? 1 : 0, limit)
    .map((stored) => ({
      account: decodeText(stored.name),
      uidl: decodeText(stored.uidl),
      state: stateOf(stored.state),
      attempts: stored.attempts,
      lastErrorCode: stored.error_code,
      lastError: stored.error_text,
      firstSeenAt: stored.first_seen_at,
      lastFailedAt: stored.failed_at,
      listedOctets: stored.listed_octets,
      unlistedAt: stored.unlisted_at,
    }));
}

function totalsOf(states: readonly StateCount[]): Pick<AccountSummary, 'byState' | 'octets' | 'incomplete'> {
  const byState = emptyCounts();
  let octets = 0;
  let incomplete = 0;
  for (const count of states) {
    if (count.state !== null) {
      const state = stateOf(count.state);
      byState[state] = count.messages;
      octets += ARCHIVED.has(state) ? count.octets : 0;
      incomplete += BEYOND_COMPLETION.has(state) ? 0 : count.incomplete;
    }
  }
  return { byState, octets, incomplete };
}

function emptyCounts(): Record<MessageState, number> {
  // Object.fromEntries widens the keys to string; they are those of STATE_CODES, which are all states.
  return Object.fromEntries(Object.keys(STATE_CODES).map((state) => [state, 0])) as Record<
    MessageState,
    number
  >;
}

const ARCHIVED: ReadonlySet<MessageState> = new Set<MessageState>([
  'archived',
  'verified',
  'deletion-requested',
  'deletion-answered',
  'deleted',
]);

/** A message that is gone from the server can never be completed for a sink that the job got later. */
const BEYOND_COMPLETION: ReadonlySet<MessageState> = new Set<MessageState>([
  'skipped',
  'quarantined',
  'deleted',
]);
