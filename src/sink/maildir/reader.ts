/**
 * One account's Maildir, open for reading alone: verifies messages wherever a mail reader has put them, and finds what no
 * receipt names. It writes nothing, and makes no folder.
 */
import { lstatSync, statSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { MessageKeys } from '../message-key.ts';
import type { ExtraMessage, KnownPlace, ReadablePlace, Receipt, SinkReader, Verification } from '../sink.ts';
import { isNotFound, sinkError } from '../sink-error.ts';
import { compareStored, digestFile, type StoredDigest } from '../stored-file.ts';
import { TextSet } from '../text-set.ts';
import { findByBase } from './folder.ts';
import { parseUnclaimed } from './journal.ts';
import { keyOfName, withoutFlags } from './name.ts';

/** Says where the message with a base name is, relative to the root. */
type FindBase = (base: string) => Promise<string | undefined>;

/** Compares what a receipt says with the file that it names, in `new` or in `cur`. */
export async function verifyInMaildir(
  root: string,
  receipt: Receipt,
  find: FindBase = (base) => findByBase(root, base),
): Promise<Verification> {
  const base = baseOfLocation(receipt.location);
  // Twice, since a reader may move the file just when it has been found.
  for (let attempt = 0; base !== undefined && attempt < 2; attempt++) {
    const path = await find(base);
    const found = path === undefined ? undefined : await digestIfThere(join(root, path), receipt);
    if (found !== undefined) {
      return compareStored(found, receipt);
    }
  }
  return { kind: 'missing', detail: `${receipt.location} is neither in new nor in cur` };
}

/** The base name in a location of ours; undefined where it is none. */
export function baseOfLocation(location: string): string | undefined {
  const base = /^new\/([^/\0]+)$/.exec(location)?.[1];
  return base !== undefined && keyOfName(base) !== undefined ? base : undefined;
}

async function digestIfThere(path: string, { form }: Receipt): Promise<StoredDigest | undefined> {
  try {
    return await digestFile(path, form);
  } catch (thrown) {
    if (isNotFound(thrown)) {
      return undefined;
    }
    throw sinkError(`read ${path}`, thrown);
  }
}

export class MaildirReader implements SinkReader {
  readonly #place: ReadablePlace;
  readonly #root: string;
  readonly #finder: BaseFinder;

  constructor(place: ReadablePlace) {
    this.#place = place;
    this.#root = place.root;
    this.#finder = new BaseFinder(place.root);
  }

  verify(receipt: Receipt): Promise<Verification> {
    return verifyInMaildir(this.#root, receipt, (base) => this.#finder.find(base));
  }

  /** The folders, then the journal, then the receipts once more: what a run does meanwhile is in one of the latter two. */
  async *findExtras(known: Iterable<KnownPlace>): AsyncIterable<ExtraMessage> {
    const extras = await this.#unknownFiles(known);
    if (extras.size === 0) {
      return;
    }
    const unclaimed = parseUnclaimed(this.#place.journal.read());
    for (const { location } of known) {
      extras.delete(baseOfLocation(location) ?? location);
    }
    const { prefix } = new MessageKeys(this.#place.accountId);
    for (const [base, path] of extras) {
      const key = keyOfName(base);
      if (key === undefined) {
        yield { location: path, origin: 'foreign', detail: 'another program has put it there' };
      } else if (key.startsWith(prefix) && (unclaimed === 'all' || !unclaimed.has(key))) {
        yield { location: path, origin: 'own', detail: 'a message that has no receipt' };
      }
    }
  }

  /** Paths by base name. The messages of other accounts that share the Maildir are among them. */
  async #unknownFiles(known: Iterable<KnownPlace>): Promise<Map<string, string>> {
    const bases = new TextSet();
    for (const { location } of known) {
      bases.add(baseOfLocation(location) ?? location);
    }
    const unknown = new Map<string, string>();
    // In this order: a reader moves from new to cur.
    for (const folder of ['new', 'cur']) {
      for await (const name of namesIn(join(this.#root, folder))) {
        const base = withoutFlags(name);
        if (!bases.has(base)) {
          unknown.set(base, join(folder, name));
        }
      }
    }
    return unknown;
  }

  async close(): Promise<void> {}
}

/** Finds messages by base name where many of them may be gone: `cur` is read once, and again only when it has changed. */
export class BaseFinder {
  readonly #root: string;
  /** The base names in `cur`, as they were at this instant. */
  #cur: { readonly changedAt: bigint | undefined; readonly bases: TextSet } | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Relative to the root; undefined where it is neither in `new` nor in `cur`. */
  async find(base: string): Promise<string | undefined> {
    if (lstatSync(join(this.#root, 'new', base), { throwIfNoEntry: false }) !== undefined) {
      return join('new', base);
    }
    return (await this.#isInCur(base)) ? findByBase(this.#root, base) : undefined;
  }

  async #isInCur(base: string): Promise<boolean> {
    if (this.#cur?.bases.has(base) === true) {
      return true;
    }
    const folder = join(this.#root, 'cur');
    const changedAt = statSync(folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs;
    if (this.#cur === undefined || this.#cur.changedAt !== changedAt) {
      const bases = new TextSet();
      for await (const name of namesIn(folder)) {
        bases.add(withoutFlags(name));
      }
      this.#cur = { changedAt, bases };
    }
    return this.#cur.bases.has(base);
  }
}

/** Names of messages: hidden files and folders are none. */
async function* namesIn(folder: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(folder, { bufferSize: 1024 })) {
      if (!entry.name.startsWith('.') && !entry.isDirectory()) {
        yield entry.name;
      }
    }
  } catch (thrown) {
    if (!isNotFound(thrown)) {
      throw sinkError(`read ${folder}`, thrown);
    }
  }
}
