/**
 * Files that are written and wait for the disk: they are synced side by side on the thread pool, then closed. That is where a
 * Maildir's speed comes from: a disk answers fsyncs that come together with few flushes.
 *
 * All files of a group are written before the first is synced. Measured on ext4 with files of 4 KB, 10,000 of them and threads
 * enough (bin/mailferry.js sees to that): twice as many a second as one sync after the other, and a third more than syncing each
 * as soon as it is written, since a file cannot be made while the journal commits for another. fdatasync gains nothing, a new
 * file's size is synced either way.
 */
import { type Disk, syncFiles } from '../disk.ts';

/** Files of one group: enough for few flushes, few beside the limit of open files. */
export const GROUP_FILES = 256;

export class SyncGroup {
  readonly #disk: Disk;
  readonly #open: number[] = [];

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Takes a written file over: it will be synced and closed, whatever happens. */
  take(fd: number): void {
    this.#open.push(fd);
  }

  /** Resolves when all are synced and closed. @throws what the first failure threw, once all are closed. */
  async sync(): Promise<void> {
    const open = this.#open.splice(0);
    const failures: unknown[] = [];
    try {
      await syncFiles(this.#disk, open);
    } catch (thrown) {
      failures.push(thrown);
    }
    this.#close(open, failures);
    if (failures.length > 0) {
      throw failures[0];
    }
  }

  /** Closes what was not synced: it does not count. */
  abandon(): void {
    // The failure that brought us here is the one to tell.
    this.#close(this.#open.splice(0), []);
  }

  #close(fds: readonly number[], failures: unknown[]): void {
    for (const fd of fds) {
      try {
        this.#disk.close(fd);
      } catch (thrown) {
        failures.push(thrown);
      }
    }
  }
}
