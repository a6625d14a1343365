/**
 * A sink that holds messages in memory, for tests. It keeps the contract as far as memory can: equal names are one
 * message, and receipts describe what is held.
 */
import { hash } from 'node:crypto';
import { readContent } from '../message/content.ts';
import type { Message } from '../message/message.ts';
import { contentMismatch } from './content-check.ts';
import { MessageKeys } from './message-key.ts';
import type {
  ExtraMessage,
  KnownPlace,
  ReadablePlace,
  Receipt,
  Sink,
  SinkAccount,
  SinkArchive,
  SinkReader,
  StorableMessage,
  StoreOutcome,
  StoreResult,
  Verification,
} from './sink.ts';
import { isMessageError, throwIfAborted } from './sink-error.ts';

export class MemorySink implements Sink {
  readonly name: string;
  /** Messages by account id and location. A test may look into it, and spoil it. */
  readonly held = new Map<string, Map<string, Buffer>>();

  constructor(name = 'memory:') {
    this.name = name;
  }

  async openArchive(account: SinkAccount): Promise<SinkArchive> {
    const held = this.held.get(account.id) ?? new Map<string, Buffer>();
    this.held.set(account.id, held);
    return new MemoryArchive(account, held);
  }

  async openReader({ accountId }: ReadablePlace): Promise<SinkReader> {
    return new MemoryReader(this.held.get(accountId) ?? new Map<string, Buffer>());
  }

  async close(): Promise<void> {}
}

class MemoryReader implements SinkReader {
  readonly #held: ReadonlyMap<string, Buffer>;

  constructor(held: ReadonlyMap<string, Buffer>) {
    this.#held = held;
  }

  async verify(receipt: Receipt): Promise<Verification> {
    return compareHeld(this.#held, receipt);
  }

  async *findExtras(known: Iterable<KnownPlace>): AsyncIterable<ExtraMessage> {
    const places = new Set([...known].map(({ location }) => location));
    for (const location of this.#held.keys()) {
      if (!places.has(location)) {
        yield { location, origin: 'own', detail: 'a message that has no receipt' };
      }
    }
  }

  async close(): Promise<void> {}
}

function compareHeld(held: ReadonlyMap<string, Buffer>, receipt: Receipt): Verification {
  const octets = held.get(receipt.location);
  if (octets === undefined) {
    return { kind: 'missing', detail: `nothing is held as ${receipt.location}` };
  }
  const sha256 = hash('sha256', octets, 'hex');
  return sha256 === receipt.sha256 && octets.length === receipt.storedOctets
    ? { kind: 'intact' }
    : { kind: 'changed', detail: `expected ${receipt.sha256}, found ${sha256} in ${octets.length} octets` };
}

class MemoryArchive implements SinkArchive {
  readonly root: string;
  readonly #keys: MessageKeys;
  readonly #held: Map<string, Buffer>;

  constructor(account: SinkAccount, held: Map<string, Buffer>) {
    this.root = `memory:${account.id}`;
    this.#keys = new MessageKeys(account.id);
    this.#held = held;
  }

  async store(batch: readonly StorableMessage[], signal: AbortSignal): Promise<StoreResult> {
    const outcomes: StoreOutcome[] = [];
    const taken = new Map<string, Buffer>();
    for (const storable of batch) {
      throwIfAborted(signal);
      outcomes.push(await this.#take(storable, taken));
    }
    for (const [location, octets] of taken) {
      this.#held.set(location, octets);
    }
    return { outcomes };
  }

  async #take(storable: StorableMessage, taken: Map<string, Buffer>): Promise<StoreOutcome> {
    const { message } = storable;
    try {
      const mismatch = await contentMismatch(message);
      if (mismatch !== undefined) {
        return { kind: 'failed', error: mismatch };
      }
      const octets = await wholeContent(message);
      const location = this.#keys.of(storable);
      taken.set(location, octets);
      return { kind: 'stored', receipt: receiptFor(location, octets, message.sha256) };
    } catch (thrown) {
      if (isMessageError(thrown)) {
        return { kind: 'failed', error: thrown };
      }
      throw thrown;
    }
  }

  async verify(receipt: Receipt): Promise<Verification> {
    return compareHeld(this.#held, receipt);
  }

  async close(): Promise<void> {}
}

async function wholeContent(message: Message): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readContent(message)) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function receiptFor(location: string, octets: Buffer, sha256: string): Receipt {
  return {
    location,
    form: 'exact',
    storedOctets: octets.length,
    sha256,
    proof: 'synced',
    provedAt: Date.now(),
  };
}
