/**
 * Which of the listed messages are archived already, which must be fetched, and what is known of those: a pure decision
 * over a listing and the ledger's rows. Reads no message and asks no server.
 *
 * A unique-id is believed where it is one: well-formed, once in this listing, and of the size that it was archived with.
 * Everything else is doubtful, and is settled by digest after it was fetched (or by its header before).
 */
import type { KnownMessage } from '../ledger/ledger.ts';
import { isInDeletion } from '../ledger/states.ts';
import type { ListedMessage } from './listing.ts';

/**
 * How a fetched message finds its row in the ledger.
 * - `new`: no row has this unique-id; it gets one.
 * - `retry`: a row has it, but not (wholly) archived; `rowId` names it.
 * - `doubtful`: a row has this unique-id under another size: the same message re-sized, or the id used again.
 * - `ambiguous`: no identity by unique-id (several share it, or it is empty, over-long or malformed): settled by digest.
 */
export type WantedKind = 'new' | 'retry' | 'doubtful' | 'ambiguous';

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
}

/** RFC 1939 §7: 1 to 70 octets from 0x21 to 0x7E. Servers use blanks and 8-bit octets too, which harm nobody. */
const MAX_UIDL_OCTETS = 70;

/** Whether a unique-id can stand for one message: controls and over-long ids come from servers that mangle them. */
export function isUsableUidl(uidl: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return uidl !== '' && uidl.length <= MAX_UIDL_OCTETS && !/[\x00-\x1f\x7f]/.test(uidl);
}

/** What the ledger's rows say of one listed message that has its unique-id to itself. */
type Verdict = 'archived' | 'quarantined' | { readonly kind: 'retry' | 'doubtful'; readonly rowId: number };

export function classifyListing(
  messages: readonly ListedMessage[],
  known: Iterable<KnownMessage>,
  options: { readonly isRetryingQuarantined?: boolean } = {},
): Classification {
  const index = indexByUidl(messages);
  const verdicts: (Verdict | undefined)[] = new Array(messages.length);
  const ambiguousRows = new Map<string, number>();
  for (const row of known) {
    const position = index.unique.get(row.uidl);
    const message = position === undefined ? undefined : messages[position];
    if (position !== undefined && message !== undefined) {
      verdicts[position] = better(
        verdicts[position],
        judge(message, row, options.isRetryingQuarantined === true),
      );
    } else if (index.shared.has(row.uidl) && isArchived(row)) {
      const key = shareKey(row);
      ambiguousRows.set(key, (ambiguousRows.get(key) ?? 0) + 1);
    }
  }
  return tally(messages, verdicts, settledShares(messages, index.shared, ambiguousRows), index.shared);
}

/** Rows by message number, of all listed messages that have a unique-id to themselves and are archived under it. */
export function matchArchived(
  messages: readonly ListedMessage[],
  known: Iterable<KnownMessage>,
): ReadonlyMap<number, number> {
  const { unique } = indexByUidl(messages);
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
export function ambiguousNumbers(messages: readonly ListedMessage[]): ReadonlySet<number> {
  const { shared } = indexByUidl(messages);
  return new Set(messages.filter(({ uidl }) => shared.has(uidl)).map(({ number }) => number));
}

/** Says whether the server still shows the message of a row, by unique-id and size; also one that shares its unique-id. */
export function listedRows(
  messages: readonly ListedMessage[],
): (row: Pick<KnownMessage, 'uidl' | 'listedOctets'>) => boolean {
  const { unique, shared } = indexByUidl(messages);
  const sharedSizes = new Set(
    messages
      .filter(({ uidl }) => shared.has(uidl))
      .flatMap((message) => [shareKey(message), shareKey({ uidl: message.uidl, listedOctets: null })]),
  );
  return (row) => {
    const message = messages[unique.get(row.uidl) ?? -1];
    return message === undefined ? sharedSizes.has(shareKey(row)) : isSameSize(message, row);
  };
}

/** What the listing says of deletions that were asked for before. */
export interface Reconciliation {
  /** Rows whose message shows (again): the server has kept it, or it came back. */
  readonly returned: readonly number[];
  /** Rows whose message is gone. */
  readonly confirmed: readonly number[];
}

/** @param recognised rows without a unique-id that were recognised in this listing by size and header. */
export function reconcileDeletions(
  messages: readonly ListedMessage[],
  known: Iterable<KnownMessage>,
  recognised: ReadonlySet<number>,
): Reconciliation {
  const { unique, shared } = indexByUidl(messages);
  const returned: number[] = [];
  const confirmed: number[] = [];
  for (const row of known) {
    if (!isInDeletion(row.state)) {
      continue;
    }
    const message = messages[unique.get(row.uidl) ?? -1];
    const isListed =
      row.uidl === ''
        ? recognised.has(row.rowId)
        : shared.has(row.uidl) || (message !== undefined && isSameSize(message, row));
    if (isListed) {
      returned.push(row.rowId);
    } else if (row.state !== 'deleted') {
      confirmed.push(row.rowId);
    }
  }
  return { returned, confirmed };
}

interface UidlIndex {
  /** Position of the only message with this usable unique-id. */
  readonly unique: ReadonlyMap<string, number>;
  /** Unique-ids that stand for no single message. */
  readonly shared: ReadonlySet<string>;
}

function indexByUidl(messages: readonly ListedMessage[]): UidlIndex {
  const unique = new Map<string, number>();
  const shared = new Set<string>();
  for (const [position, { uidl }] of messages.entries()) {
    if (!isUsableUidl(uidl) || shared.has(uidl)) {
      shared.add(uidl);
    } else if (unique.delete(uidl)) {
      shared.add(uidl);
    } else {
      unique.set(uidl, position);
    }
  }
  return { unique, shared };
}

function isArchived({ state, isComplete }: KnownMessage): boolean {
  return isComplete && state !== 'quarantined' && state !== 'skipped' && state !== 'listed';
}

/** LIST is compared with what LIST said before, never with octets received: some servers count otherwise. */
function isSameSize(message: ListedMessage, row: Pick<KnownMessage, 'listedOctets'>): boolean {
  return (
    row.listedOctets === null || message.listedOctets === null || row.listedOctets === message.listedOctets
  );
}

function judge(message: ListedMessage, row: KnownMessage, isRetryingQuarantined: boolean): Verdict {
  if (!isSameSize(message, row)) {
    return { kind: 'doubtful', rowId: row.rowId };
  }
  if (isArchived(row)) {
    return 'archived';
  }
  if (row.state === 'quarantined' && !isRetryingQuarantined) {
    return 'quarantined';
  }
  return { kind: 'retry', rowId: row.rowId };
}

/** A re-used unique-id has several rows: the one that says most speaks for it, whatever order they come in. */
function better(present: Verdict | undefined, next: Verdict): Verdict {
  return present === undefined || rank(next) > rank(present) ? next : present;
}

function rank(verdict: Verdict): number {
  if (typeof verdict === 'object') {
    return verdict.kind === 'retry' ? 1 : 0;
  }
  return verdict === 'archived' ? 3 : 2;
}

function shareKey({ uidl, listedOctets }: { uidl: string; listedOctets: number | null }): string {
  return `${listedOctets ?? '?'} ${uidl}`;
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
  for (const message of messages) {
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
): Classification {
  let archivedBefore = 0;
  let quarantined = 0;
  let ambiguous = 0;
  const wanted: WantedMessage[] = [];
  for (const [position, message] of messages.entries()) {
    const verdict = verdicts[position];
    if (shared.has(message.uidl)) {
      if (settled.has(shareKey(message))) {
        archivedBefore += 1;
      } else {
        ambiguous += 1;
        wanted.push({ ...message, kind: 'ambiguous', rowId: undefined });
      }
    } else if (verdict === 'archived') {
      archivedBefore += 1;
    } else if (verdict === 'quarantined') {
      quarantined += 1;
    } else {
      wanted.push({ ...message, kind: verdict?.kind ?? 'new', rowId: verdict?.rowId });
    }
  }
  return { archivedBefore, quarantined, wanted, ambiguous };
}
