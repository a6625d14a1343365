/**
 * One account's objects, open for reading alone. A receipt is compared with the octets themselves, never with the store's word,
 * since this is asked long after, and by somebody who wants to know. Nothing is put, and nothing is asked but the objects and,
 * to find what no receipt names, the keys under the account's own prefixes.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import type { ExtraMessage, KnownPlace, ReadablePlace, Receipt, SinkReader, Verification } from '../sink.ts';
import { TextSet } from '../text-set.ts';
import { parseS3Journal } from './journal.ts';
import { contentName, contentOf, type KeyPlaces, parseLocation, parseRoot, placesOf } from './key.ts';
import { type ObjectStore, StoreFailure } from './object-store.ts';
import { readBack } from './proof.ts';
import type { Retry } from './retry.ts';

/** Prefixes that are asked for at the same time. */
const WIDTH = 16;

/** How to ask the store. */
interface Asking {
  readonly store: ObjectStore;
  readonly retry: Retry;
}

/** @throws MailferryError where the store cannot be asked, which is no difference. */
export async function verifyReceipt({ store, retry }: Asking, receipt: Receipt): Promise<Verification> {
  const name = parseLocation(receipt.location);
  // Each key holds its digest, so a receipt for something else is not of this archive.
  if (!name.key.includes(receipt.sha256)) {
    return { kind: 'missing', detail: `no object of this archive has the key ${name.key}` };
  }
  const { signal } = new AbortController();
  const expected = { octets: receipt.storedOctets, sha256: receipt.sha256 };
  const finding = await retry.run(`read ${name.key}`, () => readBack(store, name, expected, signal), signal);
  switch (finding.kind) {
    case 'same':
      return { kind: 'intact' };
    case 'different':
      return { kind: 'changed', detail: finding.detail };
    default:
      return { kind: 'missing', detail: `there is no object ${receipt.location}` };
  }
}

export class S3Reader implements SinkReader {
  readonly #asking: Asking;
  readonly #place: ReadablePlace;

  constructor(asking: Asking, place: ReadablePlace) {
    this.#asking = asking;
    this.#place = place;
  }

  verify(receipt: Receipt): Promise<Verification> {
    return verifyReceipt(this.#asking, receipt);
  }

  /**
   * The keys, then the journal, then the receipts once more: what a run does meanwhile is in one of the latter two. Then, where
   * something is left, the keys a second time, since only digests of them were kept.
   */
  async *findExtras(known: Iterable<KnownPlace>): AsyncIterable<ExtraMessage> {
    const pattern = parseRoot(this.#place.root);
    if (pattern === undefined) {
      return;
    }
    const places = placesOf(pattern);
    const isOurs = (key: string): boolean => contentOf(pattern, key) !== undefined;
    const unknown = await this.#unknownKeys(places, keysOf(known), isOurs);
    if (unknown.size === 0) {
      return;
    }
    const { announced, aside } = parseS3Journal(this.#place.journal.read());
    const settling = new Set(announced);
    const generations = new Map(aside);
    const recorded = keysOf(known);
    for await (const key of this.#keysUnder(places)) {
      if (!unknown.has(key) || recorded.has(key)) {
        continue;
      }
      const content = contentOf(pattern, key);
      if (content === undefined) {
        yield { location: key, origin: 'foreign', detail: 'another program has put it there' };
        continue;
      }
      const { sha256, copy, generation = 0 } = content;
      const name = contentName({ sha256, copy });
      if (!settling.has(name) && generation >= (generations.get(name) ?? 0)) {
        yield { location: key, origin: 'own', detail: 'a message that has no receipt' };
      }
    }
  }

  async #unknownKeys(places: KeyPlaces, known: TextSet, isOurs: (key: string) => boolean): Promise<TextSet> {
    const unknown = new TextSet();
    for await (const key of this.#keysUnder(places)) {
      if (!known.has(key) && (places.isOwnFolder || isOurs(key))) {
        unknown.add(key);
      }
    }
    return unknown;
  }

  /** The first pages of some prefixes are asked for at once; what follows in one, page after page. */
  async *#keysUnder({ prefixes }: KeyPlaces): AsyncGenerator<string> {
    const first = (prefix: string) => this.#page(prefix, undefined).catch((thrown: unknown) => ({ thrown }));
    const waiting = prefixes.slice(0, WIDTH).map(first);
    for (const [index, prefix] of prefixes.entries()) {
      let page = await waiting[index % WIDTH];
      for (;;) {
        if (page === undefined || 'thrown' in page) {
          throw page?.thrown;
        }
        yield* page.keys;
        if (page.isLast) {
          break;
        }
        page = await this.#page(prefix, page.keys.at(-1));
      }
      const next = prefixes[index + WIDTH];
      if (next !== undefined) {
        waiting[index % WIDTH] = first(next);
      }
    }
  }

  async #page(prefix: string, after: string | undefined) {
    const { store, retry } = this.#asking;
    const { signal } = new AbortController();
    try {
      return await retry.run(`list ${prefix}`, () => store.list(prefix, after, signal), signal);
    } catch (thrown) {
      throw cannotList(thrown) ?? thrown;
    }
  }

  async close(): Promise<void> {}
}

function keysOf(known: Iterable<KnownPlace>): TextSet {
  const keys = new TextSet();
  for (const { location } of known) {
    keys.add(parseLocation(location).key);
  }
  return keys;
}

/** Reading needs no right to list; who has none is told so, and all else is verified. */
function cannotList(thrown: unknown): MailferryError | undefined {
  const failure = thrown instanceof MailferryError ? thrown.cause : thrown;
  const isRefused = failure instanceof StoreFailure && [401, 403, 405, 501].includes(failure.status ?? 0);
  return isRefused
    ? new MailferryError('the keys of the bucket may not be listed', {
        code: 'sink-cannot-list',
        scope: 'sink',
        retry: 'never',
        hint: 'Allow this identity s3:ListBucket (docs/s3.md).',
        cause: thrown,
      })
    : undefined;
}
