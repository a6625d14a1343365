/**
 * Octets gathered chunk by chunk and given back as one Buffer. A sender that drips single octets must not cost an object
 * for each: small chunks are folded into pages.
 */

/** Folding this many chunks at a time copies each octet once and keeps at most this many small objects. */
const CHUNKS_PER_PAGE = 1024;

export class ChunkList {
  #pages: Buffer[] = [];
  #chunks: Buffer[] = [];

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    if (this.#chunks.length === CHUNKS_PER_PAGE) {
      this.#pages.push(Buffer.concat(this.#chunks));
      this.#chunks = [];
    }
  }

  /** All octets, and an empty list from now on. A single chunk is given back as it came, without a copy. */
  take(): Buffer {
    const parts = [...this.#pages, ...this.#chunks];
    this.#pages = [];
    this.#chunks = [];
    const [first] = parts;
    return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
  }
}
