/**
 * What a maildrop shows in this session: STAT, LIST and UIDL put together by message number. Numbers are valid in this
 * session only; the unique-id is a hint (RFC 1939 §4, §7).
 */
import type { Pop3Client } from '../pop3/client.ts';
import { ProtocolError } from '../pop3/errors.ts';
import type { ListedMessage } from './listed-message.ts';
import { type IndexedListing, indexByUidl, UidlIndexBuilder } from './uidl-index.ts';

export interface Listing extends IndexedListing {
  readonly octets: number;
  readonly hasUidl: boolean;
  /** What the three answers disagree about, in words. */
  readonly warnings: readonly string[];
}

/** Most messages that are read from one listing: far above any real maildrop, far below what memory takes. */
const MAX_MESSAGES = 5_000_000;

/** Most octets of unique-ids that are kept: an endless listing of long ones would fill memory before it has too many lines. */
const MAX_UIDL_OCTETS = 256 * 1024 * 1024;

/** Asks STAT, UIDL and LIST, together where the server pipelines. @throws ProtocolError on a line that cannot be read. */
export async function readListing(client: Pop3Client): Promise<Listing> {
  const sizes = new Column<number>('LIST');
  const uidls = new Column<string>('UIDL');
  const index = new UidlIndexBuilder();
  let uidlOctets = 0;
  const [stat, , hasUidl] = await Promise.all([
    client.stat(),
    client.list((number, octets) => sizes.add(number, octets)),
    client.uidl((number, uidl) => {
      uidlOctets += uidl.length;
      if (uidlOctets > MAX_UIDL_OCTETS) {
        throw new ProtocolError(`the answer to UIDL has more than ${MAX_UIDL_OCTETS} octets of unique-ids`);
      }
      uidls.add(number, uidl);
      index.add(uidl);
    }),
  ]);
  const warnings: string[] = [];
  if (stat.count !== sizes.length) {
    warnings.push(`STAT counts ${stat.count} messages, LIST shows ${sizes.length}`);
  }
  if (hasUidl && uidls.length !== sizes.length) {
    warnings.push(
      `UIDL shows ${uidls.length} messages, LIST ${sizes.length}: only those in both are taken this time`,
    );
  }
  const isAligned = hasUidl && uidls.isAlignedWith(sizes);
  const messages = isAligned ? align(uidls, sizes) : hasUidl ? intersect(uidls, sizes) : withoutUidl(sizes);
  // The positions that the index knows are those of the lines of UIDL.
  const byUidl = isAligned ? index.build() : indexByUidl(messages);
  let octets = 0;
  for (const { listedOctets } of messages) {
    octets += listedOctets ?? 0;
  }
  return { messages, byUidl, octets, hasUidl, warnings };
}

/** One listing: message numbers and a value for each, in the server's order. */
class Column<Value> {
  readonly #what: string;
  readonly numbers: number[] = [];
  readonly values: Value[] = [];
  #isAscending = true;

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
      this.#isAscending = false;
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
    if (!this.#isAscending && map.size !== this.numbers.length) {
      throw new ProtocolError(`the answer to ${this.#what} has a message number twice`, {
        code: 'pop3-malformed-listing',
      });
    }
    return map;
  }

  isAlignedWith(other: Column<unknown>): boolean {
    return (
      this.#isAscending &&
      this.length === other.length &&
      this.numbers.every((number, index) => number === other.numbers[index])
    );
  }
}

/** Two listings with the same numbers in the same order, as they are everywhere but on broken servers. */
function align(uidls: Column<string>, sizes: Column<number>): ListedMessage[] {
  return uidls.numbers.map((number, index) => ({
    number,
    uidl: uidls.values[index] ?? '',
    listedOctets: sizes.values[index] ?? null,
  }));
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
