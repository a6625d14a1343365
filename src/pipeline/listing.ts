/**
 * What a maildrop shows in this session: STAT, LIST and UIDL put together by message number. Numbers are valid in this
 * session only; the unique-id is a hint (RFC 1939 §4, §7).
 */
import type { Pop3Client } from '../pop3/client.ts';
import { ProtocolError } from '../pop3/errors.ts';
import type { ListedMessage } from './listed-message.ts';
import { type IndexedListing, indexByUidl, type UidlIndex } from './uidl-index.ts';

export interface Listing extends IndexedListing {
  readonly octets: number;
  readonly hasUidl: boolean;
  /** The messages are those of UIDL, line by line. */
  readonly isAligned: boolean;
  /** What the three answers disagree about, in words. */
  readonly warnings: readonly string[];
}

/** Most messages that are read from one listing: far above any real maildrop, far below what memory takes. */
const MAX_MESSAGES = 5_000_000;

/** Most octets of unique-ids that are kept: an endless listing of long ones would fill memory before it has too many lines. */
const MAX_UIDL_OCTETS = 256 * 1024 * 1024;

/** Asks STAT, UIDL and LIST, together where the server pipelines. @throws ProtocolError on a line that cannot be read. */
export async function readListing(
  client: Pop3Client,
  see: (uidl: string) => string = (uidl) => uidl,
): Promise<Listing> {
  const sizes = new Column<number>('LIST');
  // Put together as the lines of UIDL come, for as long as they have the numbers of LIST.
  const aligned: ListedMessage[] = [];
  /** All lines of UIDL, where they have others. */
  let uidls: Column<string> | undefined;
  let uidlOctets = 0;
  const [stat, , hasUidl] = await Promise.all([
    client.stat(),
    client.list((number, octets) => sizes.add(number, octets)),
    client.uidl((number, text) => {
      uidlOctets += text.length;
      if (uidlOctets > MAX_UIDL_OCTETS) {
        throw new ProtocolError(`the answer to UIDL has more than ${MAX_UIDL_OCTETS} octets of unique-ids`);
      }
      const uidl = see(text);
      if (uidls === undefined && sizes.numbers[aligned.length] === number) {
        aligned.push({ number, uidl, listedOctets: sizes.values[aligned.length] ?? null });
      } else {
        uidls ??= uidlsOf(aligned);
        uidls.add(number, uidl);
      }
    }),
  ]);
  const warnings: string[] = [];
  if (stat.count !== sizes.length) {
    warnings.push(`STAT counts ${stat.count} messages, LIST shows ${sizes.length}`);
  }
  const lines = uidls?.length ?? aligned.length;
  if (hasUidl && lines !== sizes.length) {
    warnings.push(
      `UIDL shows ${lines} messages, LIST ${sizes.length}: only those in both are taken this time`,
    );
  }
  const isAligned = hasUidl && sizes.isAscending && uidls === undefined && lines === sizes.length;
  const messages = isAligned
    ? aligned
    : hasUidl
      ? intersect(uidls ?? uidlsOf(aligned), sizes)
      : withoutUidl(sizes);
  let index: UidlIndex | undefined;
  let octets = 0;
  for (const { listedOctets } of messages) {
    octets += listedOctets ?? 0;
  }
  return {
    messages,
    get byUidl() {
      index ??= indexByUidl(messages);
      return index;
    },
    octets,
    hasUidl,
    isAligned,
    warnings,
  };
}

function uidlsOf(messages: readonly ListedMessage[]): Column<string> {
  const column = new Column<string>('UIDL');
  for (const { number, uidl } of messages) {
    column.add(number, uidl);
  }
  return column;
}

/** One listing: message numbers and a value for each, in the server's order. */
class Column<Value> {
  readonly #what: string;
  readonly numbers: number[] = [];
  readonly values: Value[] = [];
  isAscending = true;

  constructor(what: string) {
    this.#what = what;
  }

  get length(): number {
    return this.numbers.length;
  }

  add(number: number, value: Value): void {
    if (this.numbers.length === MAX_MESSAGES) {
      throw new ProtocolError(`the answer to ${this.#what} has more than ${MAX_MESSAGES} lines`);
    }
    if (number <= (this.numbers.at(-1) ?? 0)) {
      this.isAscending = false;
    }
    this.numbers.push(number);
    this.values.push(value);
  }

  /** By number. @throws ProtocolError where a number stands twice: it cannot be known which line holds. */
  toMap(): Map<number, Value> {
    const map = new Map<number, Value>();
    for (const [index, number] of this.numbers.entries()) {
      const value = this.values[index];
      if (value !== undefined) {
        map.set(number, value);
      }
    }
    if (!this.isAscending && map.size !== this.numbers.length) {
      throw new ProtocolError(`the answer to ${this.#what} has a message number twice`, {
        code: 'pop3-malformed-listing',
      });
    }
    return map;
  }
}

function intersect(uidls: Column<string>, sizes: Column<number>): ListedMessage[] {
  const sizeOf = sizes.toMap();
  const messages: ListedMessage[] = [];
  for (const [number, uidl] of uidls.toMap()) {
    const listedOctets = sizeOf.get(number);
    if (listedOctets !== undefined) {
      messages.push({ number, uidl, listedOctets });
    }
  }
  return messages;
}

function withoutUidl(sizes: Column<number>): ListedMessage[] {
  return [...sizes.toMap()].map(([number, listedOctets]) => ({ number, uidl: '', listedOctets }));
}
