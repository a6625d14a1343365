/**
 * One spool file while it is written: made exclusively, readable by its owner alone.
 *
 * It is written synchronously: that only touches the page cache, and for the pieces that a connection gives a thread and a
 * promise take longer.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '../errors/failpoint.ts';
import { MailferryError, systemCodeOf, textOf } from '../errors/mailferry-error.ts';

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
  #fd: number | undefined;

  constructor(room: SpoolRoom) {
    this.#room = room;
    this.path = join(room.folder, `${randomUUID()}${SPOOL_SUFFIX}`);
  }

  /** @throws MailferryError (scope account: cap; scope run: disk): `abort` then. */
  write(chunk: Buffer): void {
    this.#room.claim(this.path, chunk.length);
    const isFirst = this.#fd === undefined;
    try {
      this.#fd ??= openSync(this.path, 'wx', 0o600);
      for (let at = 0; at < chunk.length; ) {
        at += writeSync(this.#fd, chunk, at);
      }
    } catch (thrown) {
      throw spoolError(this.#room.folder, thrown);
    }
    if (isFirst) {
      this.#room.failpoint('spool.spilled');
    }
  }

  /** To be called when all octets are written. */
  finish(): void {
    this.#close();
    this.#room.failpoint('spool.finished');
  }

  async abort(): Promise<void> {
    this.#close();
    await this.#room.remove(this.path);
  }

  #close(): void {
    if (this.#fd !== undefined) {
      closeSync(this.#fd);
      this.#fd = undefined;
    }
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
