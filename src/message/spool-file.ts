/**
 * One spool file while it is written: made exclusively, readable by its owner alone, digested and counted on the way.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failpoint } from '../errors/failpoint.ts';
import { MailferryError, systemCodeOf, textOf } from '../errors/mailferry-error.ts';
import { LineEndCounter } from './line-ends.ts';
import type { LineEnds } from './message.ts';

/** How every spool file's name ends: what ends so is ours to remove. */
export const SPOOL_SUFFIX = '.mailferry-spool';

/** Where spool files live, and the account of the room they take. */
export interface SpoolRoom {
  readonly folder: string;
  /** Books octets that are about to be written. @throws MailferryError `spool-full` (scope account) beyond the cap. */
  claim(path: string, octets: number): void;
  /** Removes the file and gives its room back. */
  remove(path: string): Promise<void>;
  readonly failpoint: Failpoint;
}

export class SpoolFile {
  readonly path: string;
  readonly #room: SpoolRoom;
  readonly #hash = createHash('sha256');
  readonly #counter = new LineEndCounter();
  #handle: FileHandle | undefined;
  /** All writes so far, one behind the other: the last octets of a message come together with its end, which cannot wait. */
  #written: Promise<void> = Promise.resolve();

  constructor(room: SpoolRoom) {
    this.#room = room;
    this.path = join(room.folder, `${randomUUID()}${SPOOL_SUFFIX}`);
  }

  async write(chunk: Buffer): Promise<void> {
    this.#room.claim(this.path, chunk.length);
    this.#hash.update(chunk);
    this.#counter.push(chunk);
    this.#written = this.#written.then(() => this.#append(chunk));
    await this.#written;
  }

  /** @throws what a write threw; then nothing is left of the file */
  async finish(): Promise<{ readonly sha256: string; readonly lineEnds: LineEnds }> {
    try {
      await this.#written;
    } catch (thrown) {
      await this.abort();
      throw thrown;
    }
    await this.#close();
    this.#room.failpoint('spool.finished');
    return { sha256: this.#hash.digest('hex'), lineEnds: this.#counter.lineEnds };
  }

  /** Waits for all writes so far. @returns the path. @throws what a write threw. */
  async written(): Promise<string> {
    await this.#written;
    return this.path;
  }

  async abort(): Promise<void> {
    // A write that failed has told so to whoever asked for it.
    await this.#written.catch(() => undefined);
    await this.#close();
    await this.#room.remove(this.path);
  }

  async #append(chunk: Buffer): Promise<void> {
    const isFirst = this.#handle === undefined;
    try {
      this.#handle ??= await open(this.path, 'wx', 0o600);
      for (let at = 0; at < chunk.length; ) {
        at += (await this.#handle.write(chunk, at)).bytesWritten;
      }
    } catch (thrown) {
      throw spoolError(this.#room.folder, thrown);
    }
    if (isFirst) {
      this.#room.failpoint('spool.spilled');
    }
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

/** A disk that does not take spool files takes none of any account: the run ends. */
export function spoolError(folder: string, cause: unknown): MailferryError {
  const isFull = ['ENOSPC', 'EDQUOT'].includes(systemCodeOf(cause) ?? '');
  return new MailferryError(`the spool folder ${folder} cannot be written: ${textOf(cause)}`, {
    code: isFull ? 'spool-disk-full' : 'spool-unwritable',
    scope: 'run',
    // As everywhere, a full disk does not pass by itself: somebody has to make room.
    retry: 'never',
    hint: isFull
      ? 'Make room on the disk that holds the state folder.'
      : 'Look at the rights of the state folder and at its disk.',
    cause,
  });
}
