/**
 * Messages that were tried in this run and failed. A later session of the run leaves them out, so that a message at which
 * a session breaks (a server that ends it, or loses count of its own dots) cannot keep the others from being archived.
 * The next run tries them again.
 */
import type { ListedMessage } from './listed-message.ts';

export class TriedMessages {
  readonly #keys = new Set<string>();

  get size(): number {
    return this.#keys.size;
  }

  add(message: ListedMessage): void {
    this.#keys.add(keyOf(message));
  }

  has(message: ListedMessage): boolean {
    return this.#keys.size > 0 && this.#keys.has(keyOf(message));
  }
}

/** Numbers are valid in one session only; where unique-ids say nothing, messages of one size are left out together. */
function keyOf({ uidl, listedOctets }: ListedMessage): string {
  return `${listedOctets ?? '?'} ${uidl}`;
}
