/**
 * One account's messages in an S3 bucket. A batch goes out many at a time; whatever fails for more than one message ends the
 * batch, and what of it was stored by then is found again by its key next time.
 */
import { setMaxListeners } from 'node:events';
import type { Failpoint } from '../../errors/failpoint.ts';
import type {
  Receipt,
  SinkArchive,
  StorableMessage,
  StoreOutcome,
  StoreResult,
  Verification,
} from '../sink.ts';
import { isMessageError, throwIfAborted } from '../sink-error.ts';
import { forEachOf, type Slots } from '../slots.ts';
import type { S3Journal } from './journal.ts';
import { type Content, contentOf, type KeyPattern, parseLocation } from './key.ts';
import type { ManifestWriter } from './manifest.ts';
import type { ObjectStore } from './object-store.ts';
import { readBack } from './proof.ts';
import { verifyReceipt } from './reader.ts';
import type { Retry } from './retry.ts';
import type { S3Writer } from './writer.ts';

export interface S3ArchiveOptions {
  readonly root: string;
  readonly pattern: KeyPattern;
  readonly store: ObjectStore;
  readonly journal: S3Journal;
  readonly retry: Retry;
  readonly writer: S3Writer;
  readonly keyFor: (storable: StorableMessage) => string;
  readonly slots: Slots;
  /** Messages of a batch in flight. */
  readonly width: number;
  readonly manifest: ManifestWriter | undefined;
  readonly onClose: () => void;
  readonly failpoint: Failpoint;
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
    const { journal, manifest, failpoint } = this.#options;
    await journal.announce(batch);
    failpoint('sink.s3.announced');
    const outcomes = await this.#storeAll(batch, signal);
    throwIfAborted(signal);
    await manifest?.add(batch, outcomes);
    const stored = batch.filter((_, index) => outcomes.get(index)?.kind === 'stored');
    return {
      outcomes: batch.flatMap((_, index) => outcomes.get(index) ?? []),
      journal: journal.settle(stored),
    };
  }

  async #storeAll(
    batch: readonly StorableMessage[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, StoreOutcome>> {
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
    return outcomes;
  }

  async verify(receipt: Receipt): Promise<Verification> {
    return await verifyReceipt(this.#options, receipt);
  }

  /** A damaged object stays where it is, and the message's next key differs: nothing need be moved, overwritten or allowed. */
  async setAside(receipts: readonly Receipt[]): Promise<void> {
    const { journal, pattern, store, retry, width } = this.#options;
    const { signal } = new AbortController();
    const damaged = new Map<string, Content>();
    await forEachOf(receipts, width, async ({ location, sha256, storedOctets }) => {
      const { key } = parseLocation(location);
      const content = contentOf(pattern, key);
      if (content === undefined || content.generation !== journal.generationOf(content)) {
        return;
      }
      const name = { key, versionId: undefined };
      const expected = { octets: storedOctets, sha256 };
      const finding = await retry.run(`read ${key}`, () => readBack(store, name, expected, signal), signal);
      if (finding.kind === 'different') {
        damaged.set(key, content);
      }
    });
    if (damaged.size > 0) {
      await journal.setAside([...damaged.values()]);
    }
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
