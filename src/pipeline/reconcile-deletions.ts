/**
 * What a listing says of deletions that earlier runs asked for: pure. That a message is gone confirms its deletion; that one of
 * its unique-id and size shows proves nothing by itself, since servers use ids again (survey-account.ts asks further).
 */
import type { KnownMessage } from '../ledger/ledger.ts';
import { isInDeletion, type MessageState } from '../ledger/states.ts';
import { type IndexedListing, isSameSize } from './uidl-index.ts';

/**
 * Rows whose message is gone.
 * @param recognised rows that were recognised in this listing by size and header
 */
export function confirmedDeletions(
  { messages, byUidl: { unique, shared } }: IndexedListing,
  known: Iterable<KnownMessage>,
  recognised: ReadonlySet<number>,
): readonly number[] {
  const positionOf = (row: KnownMessage): number | undefined => {
    const position = unique.get(row.uidl);
    const message = messages[position ?? -1];
    return message !== undefined && isSameSize(message, row) ? position : undefined;
  };
  const confirmed: number[] = [];
  /** Rows in deletion whose unique-id and size are listed, by position. */
  const shown: (readonly [position: number, rowId: number])[] = [];
  /** Positions of messages that are known not to be theirs: a later row has been archived under that unique-id. */
  const taken = new Set<number>();
  for (const row of known) {
    const position = positionOf(row);
    if (position !== undefined && (row.state === 'archived' || row.state === 'verified')) {
      taken.add(position);
    } else if (isUnconfirmed(row.state) && !recognised.has(row.rowId)) {
      if (position !== undefined) {
        shown.push([position, row.rowId]);
      } else if (row.uidl === '' || !shared.has(row.uidl)) {
        confirmed.push(row.rowId);
      }
    }
  }
  return [...confirmed, ...shown.filter(([position]) => taken.has(position)).map(([, rowId]) => rowId)];
}

function isUnconfirmed(state: MessageState): boolean {
  return isInDeletion(state) && state !== 'deleted';
}
