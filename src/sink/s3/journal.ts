/**
 * What an S3 archive notes in its account's journal, so that a crash leaves nothing that nobody knows:
 *
 * - `uploads`: multipart uploads that were begun and are not over, noted before the first part is sent;
 * - `announced`: messages that may be in the bucket without a receipt. A batch is noted before its first put, and crossed out in
 *   the transaction that records its receipts. Nothing is stored by it (a key follows from the message, so what is there is found
 *   again); verification leaves these out of what no receipt names, since a run settles them;
 * - `aside`: messages whose object is damaged and stays where it is, with the number that their next key carries.
 */

import type { JsonValue, SinkJournal, StorableMessage } from '../sink.ts';
import { type Content, contentName } from './key.ts';

export interface Upload {
  readonly key: string;
  readonly uploadId: string;
}

/** More than runs that broke off one after the other leave; the oldest are forgotten then, and shown by verification. */
const MAX_ANNOUNCED = 4096;

export class S3Journal {
  readonly #journal: SinkJournal;
  readonly #uploads = new Map<string, Upload>();
  readonly #announced: Set<string>;
  readonly #aside: Map<string, number>;
  #writing: Promise<void> = Promise.resolve();

  constructor(journal: SinkJournal) {
    this.#journal = journal;
    const { uploads, announced, aside } = parseS3Journal(journal.read());
    for (const upload of uploads) {
      this.#uploads.set(upload.uploadId, upload);
    }
    this.#announced = new Set(announced);
    this.#aside = new Map(aside);
  }

  /** Begun and not over: at opening, what a crash left behind. */
  get openUploads(): readonly Upload[] {
    return [...this.#uploads.values()];
  }

  async addUpload(upload: Upload): Promise<void> {
    this.#uploads.set(upload.uploadId, upload);
    await this.#write();
  }

  async removeUpload({ uploadId }: Pick<Upload, 'uploadId'>): Promise<void> {
    if (this.#uploads.delete(uploadId)) {
      await this.#write();
    }
  }

  async announce(batch: readonly StorableMessage[]): Promise<void> {
    for (const name of batch.map(nameOf)) {
      // Anew at the end: the oldest are forgotten first.
      this.#announced.delete(name);
      this.#announced.add(name);
    }
    for (const name of this.#announced) {
      if (this.#announced.size <= MAX_ANNOUNCED) {
        break;
      }
      this.#announced.delete(name);
    }
    await this.#write();
  }

  /** These have receipts now. @returns what the journal shall hold once the receipts are recorded */
  settle(stored: Iterable<StorableMessage>): JsonValue {
    for (const storable of stored) {
      this.#announced.delete(nameOf(storable));
    }
    return this.#value();
  }

  /** What is added to the key of a message whose earlier objects are damaged: how many there are. */
  generationOf({ sha256, copy }: Content): number {
    return this.#aside.get(contentName({ sha256, copy })) ?? 0;
  }

  /** The next put of each goes beside what is there. */
  async setAside(contents: readonly Content[]): Promise<void> {
    for (const content of contents) {
      this.#aside.set(contentName(content), this.generationOf(content) + 1);
    }
    await this.#write();
  }

  /** One write after the other, each with what holds by then. */
  async #write(): Promise<void> {
    const before = this.#writing;
    const mine = (async () => {
      await before.catch(() => undefined);
      await this.#journal.write(this.#value());
    })();
    this.#writing = mine;
    await mine;
  }

  #value(): JsonValue {
    return {
      uploads: this.openUploads.map(({ key, uploadId }) => ({ key, uploadId })),
      announced: [...this.#announced],
      aside: Object.fromEntries(this.#aside),
    };
  }
}

export interface S3JournalText {
  readonly uploads: readonly Upload[];
  /** Names as `contentName` makes them. */
  readonly announced: readonly string[];
  readonly aside: readonly (readonly [name: string, generation: number])[];
}

/** What is not ours to understand is as good as nothing. */
export function parseS3Journal(value: JsonValue | undefined): S3JournalText {
  const { uploads, announced, aside } = mapOf(value);
  return {
    uploads: listOf(uploads).flatMap((upload) => {
      const { key, uploadId } = mapOf(upload);
      return typeof key === 'string' && typeof uploadId === 'string' ? [{ key, uploadId }] : [];
    }),
    announced: listOf(announced).flatMap((name) => (typeof name === 'string' ? [name] : [])),
    aside: Object.entries(mapOf(aside)).flatMap(([name, generation]): [string, number][] =>
      typeof generation === 'number' ? [[name, generation]] : [],
    ),
  };
}

function mapOf(value: JsonValue | undefined): { readonly [key: string]: JsonValue } {
  const isMap = (json: JsonValue | undefined): json is { readonly [key: string]: JsonValue } =>
    typeof json === 'object' && json !== null && !Array.isArray(json);
  return isMap(value) ? value : {};
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function nameOf({ copy, message }: StorableMessage): string {
  return contentName({ sha256: message.sha256, copy });
}
