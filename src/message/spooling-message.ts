/**
 * One message on its way in. It starts in memory and moves to a spool file when it outgrows its limit; who uses it need not
 * know which. It must not know of protocols.
 */
import { ChunkList } from './chunk-list.ts';
import { blockDigest, HEADER_LIMIT_OCTETS, headerBlock } from './header-block.ts';
import type { Message } from './message.ts';
import { messageFromBuffer } from './message-builder.ts';
import { partOfBuffer, partOfFile, type ReceivedPart } from './received-part.ts';
import { SpoolFile, type SpoolRoom } from './spool-file.ts';

/** The two octets behind the limit tell whether the line there is empty. */
const HEAD_OCTETS = HEADER_LIMIT_OCTETS + 2;

type State = 'open' | 'finished' | 'aborted';

/** `write` each chunk, then `finish` or `abort`. Made by `Spool.receive`. */
export class SpoolingMessage {
  readonly #room: SpoolRoom;
  readonly #memoryLimitOctets: number;
  /** All octets while in memory; once on disk only the head, for the header digest. */
  readonly #kept = new ChunkList();
  #octets = 0;
  #file: SpoolFile | undefined;
  #state: State = 'open';

  constructor(room: SpoolRoom, memoryLimitOctets: number) {
    this.#room = room;
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
    if (this.#file === undefined) {
      this.#kept.push(chunk);
      if (this.#octets > this.#memoryLimitOctets) {
        this.#spill();
      }
      return;
    }
    if (before < HEAD_OCTETS) {
      this.#kept.push(chunk.subarray(0, HEAD_OCTETS - before));
    }
    this.#file.write(chunk);
  }

  /** The message, whole. Its spool file, if it has one, is the caller's to remove (`Spool.removeContent`). */
  finish(): Message {
    this.#mustBeOpen();
    const kept = this.#kept.take();
    const message =
      this.#file === undefined ? messageFromBuffer(kept) : this.#messageInFile(this.#file, kept);
    this.#state = 'finished';
    return message;
  }

  /** @param head of the message, its header among it */
  #messageInFile(file: SpoolFile, head: Buffer): Message {
    const { sha256, lineEnds } = file.finish();
    const header = headerBlock(head);
    return {
      octets: this.#octets,
      sha256,
      headerOctets: header.length,
      headerSha256: blockDigest(header),
      lineEnds,
      content: { kind: 'spool', path: file.path },
    };
  }

  /**
   * What has come so far of a message that will not become whole, at most `limitOctets` of it. The message takes no more; `abort`
   * removes the rest. @throws what a write or the file system threw.
   */
  async part(limitOctets: number): Promise<ReceivedPart> {
    this.#mustBeOpen();
    return this.#file === undefined
      ? partOfBuffer(this.#kept.take(), limitOctets)
      : partOfFile(this.#file.path, this.#octets, limitOctets);
  }

  /** Gives the message up and removes what there is of it. Idempotent; after `finish` it does nothing. */
  async abort(): Promise<void> {
    if (this.#state !== 'open') {
      return;
    }
    this.#state = 'aborted';
    this.#kept.take();
    await this.#file?.abort();
  }

  #spill(): void {
    const octets = this.#kept.take();
    // A copy, so that the rest of these octets can be freed.
    this.#kept.push(Buffer.from(octets.subarray(0, HEAD_OCTETS)));
    this.#file = new SpoolFile(this.#room);
    this.#file.write(octets);
  }

  #mustBeOpen(): void {
    if (this.#state !== 'open') {
      throw new Error(`a message that is ${this.#state} takes no more octets`);
    }
  }
}
