/**
 * A set of texts that keeps 52 bits of a digest of each instead of the text: about 16 octets for each, so that the names in
 * a Maildir of a million messages fit into 16 MB. A text that was never added is taken for one that was with a chance of
 * one in four thousand million, in a set of a million: good enough to look for what nobody misses, not for an identity.
 */
import { hash } from 'node:crypto';

const FIRST_SLOTS = 1024;
/** Slots hold a digest plus one; zero is empty. */
const EMPTY = 0;

export class TextSet {
  #slots = new Float64Array(FIRST_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(text: string): void {
    if (this.#size * 2 >= this.#slots.length) {
      this.#grow();
    }
    const digest = digestOf(text);
    const at = find(this.#slots, digest);
    if (this.#slots[at] === EMPTY) {
      this.#slots[at] = digest;
      this.#size++;
    }
  }

  has(text: string): boolean {
    return this.#slots[find(this.#slots, digestOf(text))] !== EMPTY;
  }

  #grow(): void {
    const larger = new Float64Array(this.#slots.length * 2);
    for (const digest of this.#slots) {
      if (digest !== EMPTY) {
        larger[find(larger, digest)] = digest;
      }
    }
    this.#slots = larger;
  }
}

/** From 1 to 2^52: whole numbers that a double holds exactly. */
function digestOf(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 13), 16) + 1;
}

/** The slot of a digest, or the empty one where it would go. Half of the slots are empty, so there is one. */
function find(slots: Float64Array, digest: number): number {
  let at = digest % slots.length;
  while (slots[at] !== digest && slots[at] !== EMPTY) {
    at = at + 1 === slots.length ? 0 : at + 1;
  }
  return at;
}
