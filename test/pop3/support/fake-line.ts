/** A connection without a socket: the test says what arrives and sees what was written. */
import type { OctetStream } from '../../../src/pop3/command-window.ts';
import type { TransportListener } from '../../../src/pop3/transport.ts';

export class FakeLine implements OctetStream {
  /** Each write, as text. */
  readonly writes: string[] = [];
  isPaused = false;
  isDestroyed = false;
  #listener: TransportListener | undefined;

  listen(listener: TransportListener): void {
    this.#listener = listener;
  }

  write(octets: Buffer): void {
    this.writes.push(octets.toString('latin1'));
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(): void {
    this.destroy();
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  arrives(text: string): void {
    this.#listener?.onData(Buffer.from(text, 'latin1'));
  }

  ends(cause?: Error): void {
    this.#listener?.onClosed(cause);
  }
}
