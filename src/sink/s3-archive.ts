/**
 * One account's messages in an S3 bucket. A batch goes out many at a time; whatever fails for more than one message ends the
 * batch, and what of it was stored by then is found again by its key next time.
 */
import { setMaxListeners } from 'node:events';
import type { ObjectStore } from './object-store.ts';
import type { ManifestWriter } from './s3-manifest.ts';
import type { Retry } from './s3-retry.ts';
import { verifyReceipt } from './s3-verify.ts';
import type { S3Writer } from './s3-writer.ts';
import type {
  Receipt,
  SinkArchive,
  StorableMessage,
  StoreOutcome,
  StoreResult,
  Verification,
} from './sink.ts';
import { isMessageError, throwIfAborted } from './sink-error.ts';
import { forEachOf, type Slots } from './slots.ts';

export interface S3ArchiveOptions {
  readonly root: string;
  readonly store: ObjectStore;
  readonly retry: Retry;
  readonly writer: S3Writer;
  readonly keyFor: (storable: StorableMessage) => string;
  readonly slots: Slots;
  /** Messages of a batch in flight. */
  readonly width: number;
  readonly manifest: ManifestWriter | undefined;
  readonly onClose: () => void;
}

export class S3Archive implements SinkArchive {
  readonly root: string;
  readonly #options: S3ArchiveOptions;
  #isClosed = false;

  constructor(options: S3ArchiveOptions) {
    this.root = options.root;
    this.#options = options;
  }

  async store(batch: readonly StorableMessage[], signal: AbortSignal): Promise<StoreResult> {
    throwIfAborted(signal);
    const outcomes = new Map<number, StoreOutcome>();
    // One failure that concerns all stops the others; a signal of the batch's own also keeps their listeners off the run's.
    const batchEnd = new AbortController();
    // Each request in flight listens to it, which is no leak.
    setMaxListeners(0, batchEnd.signal);
    const stop = (): void => batchEnd.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const byKey = new Map<string, Promise<unknown>>();
    try {
      await forEachOf(batch, this.#options.width, async (storable, index) => {
        try {
          const receipt = await this.#inTurn(byKey, storable, batchEnd.signal);
          outcomes.set(index, { kind: 'stored', receipt });
        } catch (thrown) {
          if (!isMessageError(thrown)) {
            batchEnd.abort(thrown);
            throw thrown;
          }
          outcomes.set(index, { kind: 'failed', error: thrown });
        }
      });
    } finally {
      signal.removeEventListener('abort', stop);
    }
    throwIfAborted(signal);
    await this.#options.manifest?.add(batch, outcomes);
    return { outcomes: batch.flatMap((_, index) => outcomes.get(index) ?? []) };
  }

  async verify(receipt: Receipt): Promise<Verification> {
    const { store, retry } = this.#options;
    return await verifyReceipt(store, retry, receipt);
  }

  async close(): Promise<void> {
    if (this.#isClosed) {
      return;
    }
    this.#isClosed = true;
    try {
      await this.#options.manifest?.finish();
    } finally {
      this.#options.onClose();
    }
  }

  /** Equal octets under two unique-ids are one object: the second looks for it when the first is done. */
  async #inTurn(
    byKey: Map<string, Promise<unknown>>,
    storable: StorableMessage,
    signal: AbortSignal,
  ): Promise<Receipt> {
    const { writer, slots, keyFor } = this.#options;
    const key = keyFor(storable);
    const before = byKey.get(key);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return await slots.run(() => writer.store(storable, signal));
    })();
    byKey.set(key, mine);
    return await mine;
  }
}
