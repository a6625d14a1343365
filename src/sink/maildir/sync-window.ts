/**
 * Files on their way to the disk: each is synced and closed by the thread pool while the next ones are written, a bounded
 * number at a time. That is where a Maildir's speed comes from: a disk answers fsyncs that come together with few flushes.
 * Measured on ext4 with files of 4 KB: less than half the time of one after the other with Node's four threads, a sixth
 * with 32 (UV_THREADPOOL_SIZE); fdatasync gains nothing, since a new file's size is synced either way.
 */
import type { Disk } from '../disk.ts';

/** Open files waiting for the disk: enough to keep any thread pool busy, few beside the limit of open files. */
const WINDOW_FILES = 64;

export class SyncWindow {
  readonly #disk: Disk;
  readonly #failures: unknown[] = [];
  #running = 0;
  /** Who waits for the next file to be done; there is one writer, so one at a time. */
  #onDone: (() => void) | undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /**
   * Takes a written file over: it is synced, then closed, whatever happens. Waits while the window is full.
   * @throws what the first failed fsync threw
   */
  async add(fd: number): Promise<void> {
    this.#running++;
    void this.#syncAndClose(fd);
    if (this.#running >= WINDOW_FILES) {
      await this.#oneDone();
    }
    this.#throwFailure();
  }

  /** Resolves when all files are synced and closed. @throws what the first failed fsync threw, once all are closed. */
  async drain(): Promise<void> {
    while (this.#running > 0) {
      await this.#oneDone();
    }
    this.#throwFailure();
  }

  #oneDone(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDone = resolve;
    });
  }

  /** Never rejects: what fails is kept for the writer. */
  async #syncAndClose(fd: number): Promise<void> {
    try {
      await this.#disk.sync(fd);
    } catch (thrown) {
      this.#failures.push(thrown);
    }
    try {
      this.#disk.close(fd);
    } catch (thrown) {
      this.#failures.push(thrown);
    }
    this.#running--;
    this.#onDone?.();
  }

  #throwFailure(): void {
    if (this.#failures.length > 0) {
      throw this.#failures[0];
    }
  }
}
