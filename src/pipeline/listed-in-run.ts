/**
 * What an account has shown in all sessions of one run: each message once, however often it is listed. Numbers are valid in
 * one session only, so messages are told apart by unique-id and size; equal ones count as many as one listing showed.
 */
import type { ListedMessage } from './listed-message.ts';

type Shown = Pick<ListedMessage, 'uidl' | 'listedOctets'>;

export class ListedInRun {
  readonly #counts = new Map<string, number>();
  /** What the first session showed. Most accounts have no second one, and nothing to count. */
  #uncounted: readonly Shown[] | undefined;
  #isFirst = true;

  /** Takes what one session shows. @returns how many of it no session before has shown. */
  add(messages: readonly Shown[]): number {
    if (this.#isFirst) {
      this.#isFirst = false;
      this.#uncounted = messages;
      return messages.length;
    }
    this.#countFirst();
    return this.#count(messages);
  }

  #countFirst(): void {
    const first = this.#uncounted;
    this.#uncounted = undefined;
    this.#count(first ?? []);
  }

  #count(messages: readonly Shown[]): number {
    const here = new Map<string, number>();
    let fresh = 0;
    for (const { uidl, listedOctets } of messages) {
      const key = keyOf({ uidl, listedOctets });
      const count = (here.get(key) ?? 0) + 1;
      here.set(key, count);
      if (count > (this.#counts.get(key) ?? 0)) {
        this.#counts.set(key, count);
        fresh += 1;
      }
    }
    return fresh;
  }

  /** A message that is listed with another size than before: it is the one that was shown with that. */
  resize(message: Shown, octetsBefore: number | null): void {
    this.#countFirst();
    const shown = this.#counts.get(keyOf({ uidl: message.uidl, listedOctets: octetsBefore }));
    if (shown !== undefined) {
      this.#counts.set(keyOf(message), shown);
    }
  }
}

function keyOf({ uidl, listedOctets }: Shown): string {
  return `${listedOctets ?? '?'} ${uidl}`;
}
