/**
 * An account's rows by unique-id, put together ahead of a listing and then held against it message by message. It must not know what
 * the rows say of a message.
 */
import type { KnownMessage } from '../ledger/ledger.ts';
import { isUsableUidl } from './uidl-index.ts';

/** What a listing says of one unique-id of the rows, in place of the position of its only message. */
const NOT_LISTED = -1;
const SHARED = -2;

export class KnownIndex {
  readonly #slots = new Map<string, number>();
  /** The first row of each unique-id, by slot. */
  readonly #first: KnownMessage[] = [];
  /** The others of ids that were used again, by slot. */
  readonly #others = new Map<number, KnownMessage[]>();

  static of(rows: Iterable<KnownMessage>): KnownIndex {
    const index = new KnownIndex();
    for (const row of rows) {
      index.add(row);
    }
    return index;
  }

  add(row: KnownMessage): void {
    const slot = this.#slots.get(row.uidl);
    if (slot === undefined) {
      this.#slots.set(row.uidl, this.#first.length);
      this.#first.push(row);
      return;
    }
    const others = this.#others.get(slot);
    if (others === undefined) {
      this.#others.set(slot, [row]);
    } else {
      others.push(row);
    }
  }

  /** To hold a listing against the rows, line by line as it comes. */
  match(): KnownMatch {
    return new KnownMatch(this.#slots, this.#first, this.#others);
  }
}

/** Takes a row whose unique-id is listed: the position of its only message, or undefined where several share it. */
export type ListedRowVisitor = (row: KnownMessage, position: number | undefined) => void;

/** One listing beside the rows: `see` each unique-id in its order, then `visitListed`. */
export class KnownMatch {
  readonly #slots: ReadonlyMap<string, number>;
  readonly #first: readonly KnownMessage[];
  readonly #others: ReadonlyMap<number, readonly KnownMessage[]>;
  /** What the listing says of each unique-id of the rows, by slot. */
  readonly #positions: Int32Array;
  readonly #unknown = new Set<string>();
  readonly #shared = new Set<string>();
  #seen = 0;

  constructor(
    slots: ReadonlyMap<string, number>,
    first: readonly KnownMessage[],
    others: ReadonlyMap<number, readonly KnownMessage[]>,
  ) {
    this.#slots = slots;
    this.#first = first;
    this.#others = others;
    this.#positions = new Int32Array(first.length).fill(NOT_LISTED);
  }

  /** Takes the unique-id of the next message. @returns the same text, where the rows have it in their memory: it need be kept once */
  see(uidl: string): string {
    const position = this.#seen++;
    const slot = this.#slots.get(uidl);
    if (slot === undefined) {
      const before = this.#unknown.size;
      this.#unknown.add(uidl);
      if (this.#unknown.size === before || !isUsableUidl(uidl)) {
        this.#shared.add(uidl);
      }
      return uidl;
    }
    if (this.#positions[slot] === NOT_LISTED && isUsableUidl(uidl)) {
      this.#positions[slot] = position;
    } else {
      this.#positions[slot] = SHARED;
      this.#shared.add(uidl);
    }
    return this.#first[slot]?.uidl ?? uidl;
  }

  /** Unique-ids of the listing that stand for no single message. */
  get shared(): ReadonlySet<string> {
    return this.#shared;
  }

  /** A callback, since it is called for every message of every night. In no order. */
  visitListed(visit: ListedRowVisitor): void {
    let slot = 0;
    for (const row of this.#first) {
      const found = this.#positions[slot] ?? NOT_LISTED;
      if (found !== NOT_LISTED) {
        const position = found === SHARED ? undefined : found;
        visit(row, position);
        for (const other of this.#others.get(slot) ?? []) {
          visit(other, position);
        }
      }
      slot += 1;
    }
  }

  /** Every row, listed or not. */
  *rows(): Generator<KnownMessage, void, undefined> {
    yield* this.#first;
    for (const others of this.#others.values()) {
      yield* others;
    }
  }
}
