/**
 * Finds archived messages that a server shows under other unique-ids, by size and header: gathers what decide-uidl-change.ts
 * asks for, and matches. TOP only; nothing is fetched and nothing recorded here.
 */
import type { AccountLedger, KnownMessage } from '../ledger/ledger.ts';
import { headerDigest } from '../message/header-block.ts';
import type { Pop3Client } from '../pop3/client.ts';
import type { Classification, WantedMessage } from './classify-listing.ts';
import { decideUidlChange, isFamiliarSize, type SizeFacts, type UidlFacts } from './decide-uidl-change.ts';
import type { ListedMessage } from './listed-message.ts';
import { type HeadedMessage, type HeaderMatch, matchHeaders } from './match-headers.ts';
import { readHeaders } from './read-headers.ts';
import { type IndexedListing, listedRows } from './uidl-index.ts';

export type RenamedRows = Pick<AccountLedger, 'known' | 'rowsByHeader' | 'uidlChange'>;

/** What is to be thought of an account's unique-ids in this session. */
export interface UidlSurvey {
  readonly kind: 'same' | 'changed' | 'possible' | 'unlikely';
  readonly reason: string;
  /** Messages that are known by size and header: their rows are to follow the new unique-ids. In listing order. */
  readonly followed: readonly HeaderMatch<WantedMessage>[];
  /** What is left to be fetched; where unique-ids are in doubt, what was `new` is `renamed`. */
  readonly rest: readonly WantedMessage[];
  /** Says which rows the listing does not account for: what is fetched may be theirs. Undefined where all is the same. */
  readonly isUnlisted: ((row: Pick<KnownMessage, 'uidl' | 'listedOctets'>) => boolean) | undefined;
}

/** Headers that are asked for before the decision: enough to find a change, few enough to ask in vain in each session. */
const SAMPLE = 32;

type Counts = Pick<Classification, 'expected' | 'seen'>;

/** @param wanted what the classification did not find archived, and what no header has recognised since. */
export async function findRenamed(
  client: Pop3Client,
  listing: IndexedListing,
  { expected, seen }: Counts,
  wanted: readonly WantedMessage[],
  rows: RenamedRows | undefined,
): Promise<UidlSurvey> {
  const change = rows?.uidlChange();
  const isUnsettled = change !== undefined && change.settledAt === null;
  // What failed under its new unique-id has a row, and may be an archived message all the same.
  const unknown = wanted.filter(({ kind }) => kind !== 'retry' || isUnsettled);
  let facts: UidlFacts = { expected, seen, unknown: unknown.length, isUnsettled };
  let decision = decideUidlChange(facts);
  if (rows === undefined || decision.kind === 'same') {
    return { ...same(decision), rest: wanted };
  }
  const isListed = listedRows(listing);
  const { sizes, likely } = compareSizes(unknown, rows.known(), isListed);
  facts = { ...facts, sizes };
  decision = decideUidlChange(facts);
  if (decision.kind === 'same') {
    return { ...same(decision), rest: wanted };
  }
  const match = (headed: readonly HeadedMessage<WantedMessage>[]) =>
    matchHeaders(headed, {
      rowsOf: (headerSha256) => rows.rowsByHeader(headerSha256),
      isSizeExact: false,
      canBe: (message, row) =>
        row.isComplete &&
        row.uidl !== message.uidl &&
        !isListed(row) &&
        (isFamiliarSize(message.listedOctets, row.listedOctets) ||
          isFamiliarSize(message.listedOctets, row.octets)),
    });
  const sample = isUnsettled ? likely : spread(likely, sizes.exact, SAMPLE);
  const sampled = await askHeaders(client, sample);
  const headers = { answered: sampled.length, agreeing: match(sampled).length };
  decision = decideUidlChange({ ...facts, headers });
  const others = headers.agreeing > 0 ? likely.filter((message) => !sample.includes(message)) : [];
  const followed = match([...sampled, ...(await askHeaders(client, others))]);
  return settle(decision, followed, wanted, (row) => !isListed(row));
}

function same(decision: ReturnType<typeof decideUidlChange>): Omit<UidlSurvey, 'rest'> {
  const reason = 'reason' in decision ? decision.reason : 'nothing is known yet';
  return { kind: 'same', reason, followed: [], isUnlisted: undefined };
}

function settle(
  decision: ReturnType<typeof decideUidlChange>,
  followed: readonly HeaderMatch<WantedMessage>[],
  wanted: readonly WantedMessage[],
  isUnlisted: NonNullable<UidlSurvey['isUnlisted']>,
): UidlSurvey {
  if (!('reason' in decision)) {
    throw new Error(`nothing is left to be found out, and the decision wants to ${decision.kind}`);
  }
  const known = new Set(followed.map(({ message }) => message));
  const rest = wanted
    .filter((message) => !known.has(message))
    .map((message) => (message.kind === 'new' ? { ...message, kind: 'renamed' as const } : message));
  const inOrder = [...followed].sort((a, b) => a.message.number - b.message.number);
  return { kind: decision.kind, reason: decision.reason, followed: inOrder, rest, isUnlisted };
}

/** Sizes of the unknown beside those of what is expected and not listed. `likely`: the exact ones first, then the familiar. */
function compareSizes(
  unknown: readonly WantedMessage[],
  known: Iterable<KnownMessage>,
  isListed: (row: KnownMessage) => boolean,
): { sizes: SizeFacts; likely: readonly WantedMessage[] } {
  const gone: number[] = [];
  let isAnySizeUnknown = false;
  const counts = new Map<number, number>();
  for (const row of known) {
    if ((row.state === 'archived' || row.state === 'verified') && !isListed(row)) {
      isAnySizeUnknown ||= row.listedOctets === null;
      gone.push(row.listedOctets ?? 0);
      counts.set(row.listedOctets ?? 0, (counts.get(row.listedOctets ?? 0) ?? 0) + 1);
    }
  }
  const sorted = Float64Array.from(gone).sort();
  const exact: WantedMessage[] = [];
  const familiar: WantedMessage[] = [];
  for (const message of unknown) {
    const size = message.listedOctets ?? -1;
    const left = counts.get(size) ?? 0;
    if (left > 0) {
      counts.set(size, left - 1);
      exact.push(message);
    } else if (isAnySizeUnknown || isFamiliarSize(message.listedOctets, nearest(sorted, size))) {
      familiar.push(message);
    }
  }
  const likely = [...exact, ...familiar];
  return { sizes: { exact: exact.length, familiar: likely.length }, likely };
}

/** The one of some sorted sizes that is nearest to a size; null where there is none. */
function nearest(sorted: Float64Array, size: number): number | null {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < size) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const above = sorted[low];
  const below = sorted[low - 1];
  if (above === undefined || below === undefined) {
    return above ?? below ?? Number.NaN;
  }
  return above - size < size - below ? above : below;
}

/** So many, evenly spread: over the exact ones where there are enough. */
function spread(likely: readonly WantedMessage[], exact: number, count: number): readonly WantedMessage[] {
  const pool = exact >= count ? likely.slice(0, exact) : likely;
  const step = Math.max(1, pool.length / count);
  return Array.from(
    { length: Math.min(count, pool.length) },
    (_, index) => pool[Math.floor(index * step)],
  ).filter((message) => message !== undefined);
}

/** Those whose header the server gives. */
async function askHeaders(
  client: Pop3Client,
  messages: readonly WantedMessage[],
): Promise<HeadedMessage<WantedMessage>[]> {
  const headed: HeadedMessage<WantedMessage>[] = [];
  for await (const { message, header } of readHeaders<ListedMessage & WantedMessage>(client, messages)) {
    if (header !== undefined) {
      headed.push({ message, headerSha256: headerDigest(header) });
    }
  }
  return headed;
}
