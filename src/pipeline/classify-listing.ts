/**
 * Which of the listed messages are archived already, which must be fetched, and what is known of those: a pure decision
 * over a listing and the ledger's rows. Reads no message and asks no server.
 *
 * A unique-id is believed where it is one: well-formed, once in this listing, and of the size that it was archived with.
 * Everything else is doubtful, and is settled by digest after it was fetched (or by its header before).
 */
import type { KnownMessage } from '../ledger/ledger.ts';
import { isInDeletion } from '../ledger/states.ts';
import { isFamiliarSize } from './decide-uidl-change.ts';
import type { KnownMatch } from './known-index.ts';
import type { ListedMessage } from './listed-message.ts';
import { type IndexedListing, isSameSize, shareKey } from './uidl-index.ts';

/**
 * How a fetched message finds its row in the ledger.
 * - `new`: no row has this unique-id; it gets one.
 * - `retry`: a row has it, but not (wholly) archived; `rowId` names it.
 * - `doubtful`: a row has this unique-id under another size: the same message re-sized, or the id used again.
 * - `ambiguous`: no identity by unique-id (several share it, or it is empty, over-long or malformed): settled by digest.
 * - `renamed`: no row has this unique-id, but unique-ids seem to have changed: settled by digest among the rows not listed.
 */
export type WantedKind = 'new' | 'retry' | 'doubtful' | 'ambiguous' | 'renamed';

export interface WantedMessage extends ListedMessage {
  readonly kind: WantedKind;
  readonly rowId: number | undefined;
}

export interface Classification {
  /** Messages that are archived in every sink. */
  readonly archivedBefore: number;
  /** Messages that wait for a person. */
  readonly quarantined: number;
  /** To be fetched, in listing order. */
  readonly wanted: readonly WantedMessage[];
  /** How many of the wanted are ambiguous. */
  readonly ambiguous: number;
  /** Messages under unique-id and size of one that was deleted: it came back, or the id is used again. In listing order. */
  readonly returning: readonly ReturningMessage[];
  /** Archived messages, those not asked to be deleted: how many there are, and how many the listing shows (perhaps under another size). */
  readonly expected: number;
  readonly seen: number;
}

export interface ReturningMessage {
  readonly message: ListedMessage;
  /** The rows in deletion that have its unique-id and size. */
  readonly rowIds: readonly number[];
}

/** What the ledger's rows say of one listed message that has its unique-id to itself. */
type Verdict =
  | 'archived'
  | 'quarantined'
  | { readonly kind: 'retry' | 'doubtful'; readonly rowId: number }
  | { readonly kind: 'returning'; readonly rowIds: readonly number[] };

/** @param known has seen the unique-ids of these messages, in their order. */
export function classifyListing(
  messages: readonly ListedMessage[],
  known: KnownMatch,
  options: { readonly isRetryingQuarantined?: boolean } = {},
): Classification {
  const verdicts: (Verdict | undefined)[] = new Array(messages.length);
  const ambiguousRows = new Map<string, number>();
  let expected = 0;
  let seen = 0;
  for (const row of known.rows()) {
    expected += isExpected(row) ? 1 : 0;
  }
  known.visitListed((row, position) => {
    const weight = isExpected(row) ? 1 : 0;
    const message = position === undefined ? undefined : messages[position];
    if (position !== undefined && message !== undefined) {
      const verdict = judge(message, row, options.isRetryingQuarantined === true);
      verdicts[position] = better(verdicts[position], verdict);
      seen += isFamiliarSize(message.listedOctets, row.listedOctets) ? weight : 0;
      return;
    }
    seen += weight;
    if (isArchived(row)) {
      const key = shareKey(row);
      ambiguousRows.set(key, (ambiguousRows.get(key) ?? 0) + 1);
    }
  });
  const { shared } = known;
  const settled = settledShares(messages, shared, ambiguousRows);
  return { ...tally(messages, verdicts, settled, shared), expected, seen };
}

/**
 * Rows by message number, of all listed messages that have a unique-id to themselves and are archived under it. One in
 * deletion does not count: what shows under its unique-id may be another message.
 */
export function matchArchived(
  { messages, byUidl: { unique } }: IndexedListing,
  known: Iterable<KnownMessage>,
): ReadonlyMap<number, number> {
  const matched = new Map<number, number>();
  for (const row of known) {
    const message = messages[unique.get(row.uidl) ?? -1];
    if (message !== undefined && judge(message, row, false) === 'archived') {
      matched.set(message.number, row.rowId);
    }
  }
  return matched;
}

/** Numbers of the messages that have no identity by unique-id. */
export function ambiguousNumbers({ messages, byUidl: { shared } }: IndexedListing): ReadonlySet<number> {
  return new Set(messages.filter(({ uidl }) => shared.has(uidl)).map(({ number }) => number));
}

function isArchived(row: KnownMessage): boolean {
  return row.isComplete && isExpected(row);
}

/** Archived, perhaps not in a sink that the job got later, and not asked to be deleted: it should be on the server. */
function isExpected({ state }: KnownMessage): boolean {
  return state === 'archived' || state === 'verified';
}

function judge(message: ListedMessage, row: KnownMessage, isRetryingQuarantined: boolean): Verdict {
  if (!isSameSize(message, row)) {
    return { kind: 'doubtful', rowId: row.rowId };
  }
  if (isArchived(row)) {
    return 'archived';
  }
  if (row.isComplete && isInDeletion(row.state)) {
    return { kind: 'returning', rowIds: [row.rowId] };
  }
  if (row.state === 'quarantined' && !isRetryingQuarantined) {
    return 'quarantined';
  }
  return { kind: 'retry', rowId: row.rowId };
}

/** A re-used unique-id has several rows: the one that says most speaks for it, whatever order they come in. */
function better(present: Verdict | undefined, next: Verdict): Verdict {
  if (typeof present === 'object' && typeof next === 'object') {
    if (present.kind === 'returning' && next.kind === 'returning') {
      return { kind: 'returning', rowIds: [...present.rowIds, ...next.rowIds] };
    }
  }
  return present === undefined || rank(next) > rank(present) ? next : present;
}

const RANKS = { doubtful: 0, returning: 1, retry: 2, quarantined: 3, archived: 4 } as const;

function rank(verdict: Verdict): number {
  return RANKS[typeof verdict === 'object' ? verdict.kind : verdict];
}

/**
 * Which shares (unique-id and size) are settled: as many rows as messages, so each of them is archived. An empty
 * unique-id says nothing at all, so there a count proves nothing.
 */
function settledShares(
  messages: readonly ListedMessage[],
  shared: ReadonlySet<string>,
  rows: ReadonlyMap<string, number>,
): ReadonlySet<string> {
  const listed = new Map<string, number>();
  for (const message of shared.size === 0 ? [] : messages) {
    if (message.uidl !== '' && shared.has(message.uidl)) {
      const key = shareKey(message);
      listed.set(key, (listed.get(key) ?? 0) + 1);
    }
  }
  return new Set([...listed].filter(([key, count]) => (rows.get(key) ?? 0) >= count).map(([key]) => key));
}

function tally(
  messages: readonly ListedMessage[],
  verdicts: readonly (Verdict | undefined)[],
  settled: ReadonlySet<string>,
  shared: ReadonlySet<string>,
): Omit<Classification, 'expected' | 'seen'> {
  let archivedBefore = 0;
  let quarantined = 0;
  let ambiguous = 0;
  const wanted: WantedMessage[] = [];
  const returning: ReturningMessage[] = [];
  for (const [position, message] of messages.entries()) {
    const verdict = verdicts[position];
    if (shared.has(message.uidl)) {
      if (settled.has(shareKey(message))) {
        archivedBefore += 1;
      } else {
        ambiguous += 1;
        wanted.push(wantedOf(message, 'ambiguous', undefined));
      }
    } else if (verdict === 'archived') {
      archivedBefore += 1;
    } else if (verdict === 'quarantined') {
      quarantined += 1;
    } else if (verdict?.kind === 'returning') {
      returning.push({ message, rowIds: verdict.rowIds });
    } else {
      wanted.push(wantedOf(message, verdict?.kind ?? 'new', verdict?.rowId));
    }
  }
  return { archivedBefore, quarantined, wanted, ambiguous, returning };
}

/** Property by property: a spread takes five times as long, and this runs for every message of a first run. */
function wantedOf(
  { number, uidl, listedOctets }: ListedMessage,
  kind: WantedKind,
  rowId: number | undefined,
): WantedMessage {
  return { number, uidl, listedOctets, kind, rowId };
}
