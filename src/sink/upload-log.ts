/**
 * Multipart uploads that were begun and are not over, in the account's journal. It is written before the first part is
 * sent, so that a crash leaves no upload that nobody knows.
 */
import type { JsonValue, SinkJournal } from './sink.ts';

export interface Upload {
  readonly key: string;
  readonly uploadId: string;
}

export class UploadLog {
  readonly #journal: SinkJournal;
  readonly #open = new Map<string, Upload>();
  #writing: Promise<void> = Promise.resolve();

  constructor(journal: SinkJournal) {
    this.#journal = journal;
    for (const upload of parse(journal.read())) {
      this.#open.set(upload.uploadId, upload);
    }
  }

  /** Begun and not over: at opening, what a crash left behind. */
  get open(): readonly Upload[] {
    return [...this.#open.values()];
  }

  async add(upload: Upload): Promise<void> {
    this.#open.set(upload.uploadId, upload);
    await this.#write();
  }

  async remove({ uploadId }: Pick<Upload, 'uploadId'>): Promise<void> {
    if (this.#open.delete(uploadId)) {
      await this.#write();
    }
  }

  /** One write after the other, each with what holds by then. */
  async #write(): Promise<void> {
    const before = this.#writing;
    const mine = (async () => {
      await before.catch(() => undefined);
      await this.#journal.write({ uploads: this.open.map(({ key, uploadId }) => ({ key, uploadId })) });
    })();
    this.#writing = mine;
    await mine;
  }
}

function parse(value: JsonValue | undefined): Upload[] {
  const isMap = (json: JsonValue | undefined): json is { readonly [key: string]: JsonValue } =>
    typeof json === 'object' && json !== null && !Array.isArray(json);
  const uploads = isMap(value) ? value['uploads'] : undefined;
  if (!Array.isArray(uploads)) {
    return [];
  }
  return uploads.flatMap((upload: JsonValue) => {
    const { key, uploadId } = isMap(upload) ? upload : {};
    return typeof key === 'string' && typeof uploadId === 'string' ? [{ key, uploadId }] : [];
  });
}
