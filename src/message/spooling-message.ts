/**
 * One message on its way in. It starts as a Buffer of its own and moves elsewhere when it outgrows its limit; who uses it need not
 * know where. It must not know of protocols.
 */
import { ChunkList } from './chunk-list.ts';
import { blockDigest, HEAD_OCTETS, headerBlock } from './header-block.ts';
import { LargeOctets } from './large-octets.ts';
import type { Message } from './message.ts';
import { messageFromBuffer } from './message-builder.ts';
import type { PageStock } from './pages.ts';
import { partOfBuffer, type ReceivedPart } from './received-part.ts';
import type { SpoolRoom } from './spool-file.ts';

type State = 'open' | 'finished' | 'aborted';

/** `write` each chunk, then `finish` or `abort`. Made by `Spool.receive`. */
export class SpoolingMessage {
  readonly #room: SpoolRoom;
  readonly #stock: PageStock;
  readonly #memoryLimitOctets: number;
  /** All octets while they are few; once they are many only the head, for the header digest. */
  readonly #kept = new ChunkList();
  #octets = 0;
  #large: LargeOctets | undefined;
  #state: State = 'open';

  constructor(room: SpoolRoom, stock: PageStock, memoryLimitOctets: number) {
    this.#room = room;
    this.#stock = stock;
    this.#memoryLimitOctets = memoryLimitOctets;
  }

  /** Octets taken so far. */
  get octets(): number {
    return this.#octets;
  }

  /**
   * Takes the next chunk; it must not be written to afterwards.
   * @throws MailferryError (scope run: disk; scope account: cap): `abort` then.
   */
  write(chunk: Buffer): void {
    this.#mustBeOpen();
    const before = this.#octets;
    this.#octets += chunk.length;
    if (this.#large === undefined) {
      this.#kept.push(chunk);
      if (this.#octets > this.#memoryLimitOctets) {
        this.#outgrow();
      }
      return;
    }
    if (before < HEAD_OCTETS) {
      this.#kept.push(chunk.subarray(0, HEAD_OCTETS - before));
    }
    this.#large.write(chunk);
  }

  /** The message, whole. What it holds elsewhere is given back by `Spool.removeContent`, which is for the caller to call. */
  finish(): Message {
    this.#mustBeOpen();
    const kept = this.#kept.take();
    const message = this.#large === undefined ? messageFromBuffer(kept) : largeMessage(this.#large, kept);
    this.#state = 'finished';
    return message;
  }

  /**
   * What has come so far of a message that will not become whole, at most `limitOctets` of it. The message takes no more; `abort`
   * removes the rest. @throws what a write or the file system threw.
   */
  async part(limitOctets: number): Promise<ReceivedPart> {
    this.#mustBeOpen();
    return this.#large === undefined
      ? partOfBuffer(this.#kept.take(), limitOctets)
      : this.#large.part(limitOctets);
  }

  /** Gives the message up and removes what there is of it. Idempotent; after `finish` it does nothing. */
  async abort(): Promise<void> {
    if (this.#state !== 'open') {
      return;
    }
    this.#state = 'aborted';
    this.#kept.take();
    await this.#large?.abort();
  }

  #outgrow(): void {
    const octets = this.#kept.take();
    // A copy, so that the rest of these octets can be freed.
    this.#kept.push(Buffer.from(octets.subarray(0, HEAD_OCTETS)));
    this.#large = new LargeOctets(this.#room, this.#stock);
    this.#large.write(octets);
  }

  #mustBeOpen(): void {
    if (this.#state !== 'open') {
      throw new Error(`a message that is ${this.#state} takes no more octets`);
    }
  }
}

/** @param head of the message, its header among it */
function largeMessage(large: LargeOctets, head: Buffer): Message {
  const header = headerBlock(head);
  return { ...large.finish(), headerOctets: header.length, headerSha256: blockDigest(header) };
}
