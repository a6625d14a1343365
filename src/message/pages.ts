/**
 * Memory for the octets of large messages while they pass through: pages that are used over and over, so that a large message costs
 * neither new memory nor the collector anything. How many there are is the bound, over all messages that are under way.
 */
import type { OctetRange } from './octet-range.ts';

const PAGE_OCTETS = 1024 * 1024;

/** The pages that there are. */
export class PageStock {
  readonly pageOctets: number;
  /** Pages that may still be made. */
  #unmade: number;
  readonly #free: Buffer[] = [];

  /** @param limitOctets that all pages together may take; less than a page is none */
  constructor(limitOctets: number, pageOctets = PAGE_OCTETS) {
    this.pageOctets = pageOctets;
    this.#unmade = Math.floor(limitOctets / pageOctets);
  }

  /** That many pages, or undefined where so many are not to be had. */
  take(count: number): readonly Buffer[] | undefined {
    return count > this.#free.length + this.#unmade
      ? undefined
      : Array.from({ length: count }, () => this.#free.pop() ?? this.#make());
  }

  giveBack(pages: readonly Buffer[]): void {
    this.#free.push(...pages);
  }

  #make(): Buffer {
    this.#unmade -= 1;
    return Buffer.allocUnsafeSlow(this.pageOctets);
  }
}

/** The octets of one message in pages. */
export class PagedOctets {
  readonly #stock: PageStock;
  readonly #pages: Buffer[] = [];
  #octets = 0;

  constructor(stock: PageStock) {
    this.#stock = stock;
  }

  /** Copies the chunk behind what is there. @returns false where there are not enough pages: then nothing was taken */
  push(chunk: Buffer): boolean {
    const { pageOctets } = this.#stock;
    const missing = Math.ceil((this.#octets + chunk.length) / pageOctets) - this.#pages.length;
    const added = this.#stock.take(Math.max(0, missing));
    if (added === undefined) {
      return false;
    }
    this.#pages.push(...added);
    for (let from = 0; from < chunk.length; ) {
      const copied = chunk.copy(this.#pageAt(this.#octets), this.#octets % pageOctets, from);
      from += copied;
      this.#octets += copied;
    }
    return true;
  }

  /**
   * Views of the octets in order, or of a range of them: one for each page. They are good until the pages are released, and must not
   * be written to. @throws Error where they are released: another message may be in them
   */
  *views({ start, octets }: OctetRange = { start: 0, octets: this.#octets }): Generator<Buffer> {
    const end = start + octets;
    for (let at = start; at < end; ) {
      const within = at % this.#stock.pageOctets;
      const view = this.#pageAt(at).subarray(within, within + end - at);
      yield view;
      at += view.length;
    }
  }

  /** Lets other messages have the pages. Idempotent. */
  release(): void {
    this.#stock.giveBack(this.#pages.splice(0));
  }

  #pageAt(offset: number): Buffer {
    const page = this.#pages[Math.floor(offset / this.#stock.pageOctets)];
    if (page === undefined) {
      throw new Error('the octets of a message were asked for after its pages were released');
    }
    return page;
  }
}
