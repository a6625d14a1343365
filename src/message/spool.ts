/**
 * Takes the octets of a message chunk by chunk as they come off the wire and makes a Message of them. A small one is in a Buffer of its
 * own. A large one is in pages of memory, of which there are so many and no more, or else in a spool file. Digests are taken on the way.
 *
 * A spool file needs no fsync: it is worth nothing after a crash. What a crash leaves in the folder is removed when the
 * spool is opened; so a folder belongs to one process (the ledger's lock sees to that).
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Failpoint, NO_FAILPOINT } from '../errors/failpoint.ts';
import { MailferryError } from '../errors/mailferry-error.ts';
import type { Message } from './message.ts';
import { PageStock } from './pages.ts';
import { SPOOL_SUFFIX, type SpoolRoom, spoolError } from './spool-file.ts';
import { SpoolingMessage } from './spooling-message.ts';

/** A message up to this size has a Buffer of its own. */
const MEMORY_LIMIT_OCTETS = 2 * 1024 * 1024;

export interface SpoolOptions {
  /** Messages larger than this many octets are large; 2 MiB where not given. */
  readonly memoryLimitOctets?: number;
  /** Memory for large messages, over all of them; those that it has no room for go to files. None where not given. */
  readonly pages?: PageStock;
  /** Octets that all spool files together may take; no limit where not given. */
  readonly capOctets?: number;
  /** For tests. */
  readonly failpoint?: Failpoint;
}

/** A place for messages while they pass through. */
export interface Spool {
  readonly folder: string;
  /** Starts a message. It ends by `finish` or `abort`. */
  receive(): SpoolingMessage;
  /** Takes back where a large message was held; to be called once it is stored or given up. Idempotent. */
  removeContent(message: Message): Promise<void>;
}

/** Makes the folder where it is missing (0700) and removes what a crash left in it. @throws MailferryError scope run. */
export function openSpool(folder: string, options: SpoolOptions = {}): Spool {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) {
      if (name.endsWith(SPOOL_SUFFIX)) {
        rmSync(join(folder, name), { force: true });
      }
    }
  } catch (thrown) {
    throw spoolError(folder, thrown);
  }
  return new FolderSpool(folder, options);
}

class FolderSpool implements Spool, SpoolRoom {
  readonly folder: string;
  readonly failpoint: Failpoint;
  readonly #memoryLimitOctets: number;
  readonly #stock: PageStock;
  readonly #capOctets: number;
  readonly #sizes = new Map<string, number>();
  #usedOctets = 0;

  constructor(folder: string, options: SpoolOptions) {
    this.folder = folder;
    this.failpoint = options.failpoint ?? NO_FAILPOINT;
    this.#memoryLimitOctets = options.memoryLimitOctets ?? MEMORY_LIMIT_OCTETS;
    this.#stock = options.pages ?? new PageStock(0);
    this.#capOctets = options.capOctets ?? Number.POSITIVE_INFINITY;
  }

  receive(): SpoolingMessage {
    return new SpoolingMessage(this, this.#stock, this.#memoryLimitOctets);
  }

  async removeContent({ content }: Message): Promise<void> {
    if (content.kind === 'pages') {
      content.pages.release();
    } else if (content.kind === 'spool') {
      await this.remove(content.path);
      this.failpoint('spool.removed');
    }
  }

  claim(path: string, octets: number): void {
    if (this.#usedOctets + octets > this.#capOctets) {
      throw new MailferryError(`the spool in ${this.folder} would hold more than ${this.#capOctets} octets`, {
        code: 'spool-full',
        scope: 'account',
        retry: 'later',
        hint: 'Let fewer accounts run at the same time, or allow the spool more room.',
      });
    }
    this.#usedOctets += octets;
    this.#sizes.set(path, (this.#sizes.get(path) ?? 0) + octets);
  }

  async remove(path: string): Promise<void> {
    this.#usedOctets -= this.#sizes.get(path) ?? 0;
    this.#sizes.delete(path);
    await rm(path, { force: true });
  }
}
