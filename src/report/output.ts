/**
 * A stream that may go away. Whoever read our output may leave (`mailferry run | head`), a disk may fill: then the showing
 * ends and the run goes on. It must not know what is written.
 */
import { systemCodeOf } from '../errors/mailferry-error.ts';

/** What reporters need of stdout and stderr: any Writable, with a terminal's properties where it is one. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export class Output {
  readonly stream: OutputStream;
  #failure: Error | undefined;
  #isClosed = false;
  /** Held for the life of the output: without a listener a closed pipe would end the process. */
  readonly #onError = (error: Error): void => {
    this.#failure ??= error;
  };

  constructor(stream: OutputStream) {
    this.stream = stream;
    stream.on('error', this.#onError);
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#failure === undefined;
  }

  /** Why something was not shown; undefined also where the reader simply left, which is no failure. */
  get lostBy(): Error | undefined {
    return systemCodeOf(this.#failure) === 'EPIPE' ? undefined : this.#failure;
  }

  /** Writes, or drops the text where nobody can read it. Never throws. */
  write(text: string): void {
    if (!this.isOpen || text === '') {
      return;
    }
    try {
      this.stream.write(text);
    } catch (thrown) {
      this.#onError(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  /** Waits until all is handed over or lost, then lets go of the stream, which stays open: it is not ours. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) {
      return;
    }
    await this.#flush();
    this.#isClosed = true;
    this.stream.removeListener('error', this.#onError);
  }

  #flush(): Promise<void> {
    if (!this.isOpen) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const settle = (error?: Error | null): void => {
        if (error !== undefined && error !== null) {
          this.#onError(error);
        }
        this.stream.removeListener('close', settle);
        // One turn later: the stream emits its 'error' after the callback, and the listener must still be there.
        setImmediate(resolve);
      };
      this.stream.once('close', settle);
      try {
        this.stream.write('', settle);
      } catch (thrown) {
        settle(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    });
  }
}
