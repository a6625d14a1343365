/**
 * A listing by unique-id: which ids stand for one message, which for none or several, and when sizes agree. Pure; it must not
 * know what became of the messages.
 */
import type { KnownMessage } from '../ledger/ledger.ts';
import type { ListedMessage } from './listed-message.ts';

/** RFC 1939 §7: 1 to 70 octets from 0x21 to 0x7E. Servers use blanks and 8-bit octets too, which harm nobody. */
const MAX_UIDL_OCTETS = 70;

/** Whether a unique-id can stand for one message: controls and over-long ids come from servers that mangle them. */
export function isUsableUidl(uidl: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return uidl !== '' && uidl.length <= MAX_UIDL_OCTETS && !/[\x00-\x1f\x7f]/.test(uidl);
}

export interface UidlIndex {
  /** Position of the only message with this usable unique-id. */
  readonly unique: ReadonlyMap<string, number>;
  /** Unique-ids that stand for no single message. */
  readonly shared: ReadonlySet<string>;
}

/** What a listing shows, and where by unique-id. */
export interface IndexedListing {
  readonly messages: readonly ListedMessage[];
  readonly byUidl: UidlIndex;
}

export function indexByUidl(messages: readonly ListedMessage[]): UidlIndex {
  const unique = new Map<string, number>();
  const shared = new Set<string>();
  let position = 0;
  for (const { uidl } of messages) {
    const before = unique.size;
    unique.set(uidl, position++);
    // One look for each: that it is there already shows in the size.
    if (unique.size === before || !isUsableUidl(uidl)) {
      shared.add(uidl);
    }
  }
  for (const uidl of shared) {
    unique.delete(uidl);
  }
  return { unique, shared };
}

/** LIST is compared with what LIST said before, never with octets received: some servers count otherwise. */
export function isSameSize(message: ListedMessage, row: Pick<KnownMessage, 'listedOctets'>): boolean {
  return (
    row.listedOctets === null || message.listedOctets === null || row.listedOctets === message.listedOctets
  );
}

/** What messages under one shared unique-id are told apart by. */
export function shareKey({ uidl, listedOctets }: { uidl: string; listedOctets: number | null }): string {
  return `${listedOctets ?? '?'} ${uidl}`;
}

/** Says whether the server still shows the message of a row, by unique-id and size; also one that shares its unique-id. */
export function listedRows({
  messages,
  byUidl: { unique, shared },
}: IndexedListing): (row: Pick<KnownMessage, 'uidl' | 'listedOctets'>) => boolean {
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
