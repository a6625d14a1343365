/**
 * The octets of a large message while they come: digested and counted on the way, and held in pages of memory while there are
 * enough of them, else in a spool file.
 */
import { createHash } from 'node:crypto';
import { LineEndCounter } from './line-ends.ts';
import type { Message } from './message.ts';
import { PagedOctets, type PageStock } from './pages.ts';
import { partOfFile, partOfPages, type ReceivedPart } from './received-part.ts';
import { SpoolFile, type SpoolRoom } from './spool-file.ts';

export class LargeOctets {
  readonly #room: SpoolRoom;
  readonly #hash = createHash('sha256');
  readonly #counter = new LineEndCounter();
  readonly #pages: PagedOctets;
  #file: SpoolFile | undefined;
  #octets = 0;

  constructor(room: SpoolRoom, stock: PageStock) {
    this.#room = room;
    this.#pages = new PagedOctets(stock);
  }

  /** @throws MailferryError (scope account: cap; scope run: disk): `abort` then. */
  write(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.#counter.push(chunk);
    this.#octets += chunk.length;
    if (this.#file === undefined && !this.#pages.push(chunk)) {
      this.#moveToFile();
    }
    this.#file?.write(chunk);
  }

  finish(): Pick<Message, 'octets' | 'sha256' | 'lineEnds' | 'content'> {
    this.#file?.finish();
    return {
      octets: this.#octets,
      sha256: this.#hash.digest('hex'),
      lineEnds: this.#counter.lineEnds,
      content:
        this.#file === undefined
          ? { kind: 'pages', pages: this.#pages }
          : { kind: 'spool', path: this.#file.path },
    };
  }

  /** At most `limitOctets` of what has come. @throws what the file system threw. */
  async part(limitOctets: number): Promise<ReceivedPart> {
    return this.#file === undefined
      ? partOfPages(this.#pages, this.#octets, limitOctets)
      : await partOfFile(this.#file.path, this.#octets, limitOctets);
  }

  async abort(): Promise<void> {
    this.#pages.release();
    await this.#file?.abort();
  }

  #moveToFile(): void {
    this.#file = new SpoolFile(this.#room);
    for (const view of this.#pages.views()) {
      this.#file.write(view);
    }
    this.#pages.release();
  }
}
