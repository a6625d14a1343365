/**
 * One connection as lines in and octets out: reads no more while it cannot write, and turns itself into TLS when told.
 * It must not know POP3.
 */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Ending } from './answer.ts';
import { CommandLines, type InputLine } from './command-lines.ts';

/** Small writes are gathered up to this size, so that thousands of pipelined answers are a few hundred packets. */
const GATHER_OCTETS = 65_536;

export class Wire {
  /** The TCP socket, also under TLS: a reset is its business alone. */
  readonly #tcp: Socket;
  readonly #idleMs: number;
  readonly #lines = new CommandLines();
  readonly #closed: Promise<void>;
  #socket: Socket;
  #gathered: Buffer[] = [];
  #gatheredOctets = 0;
  /** The last write is in the kernel, or was lost with the connection. */
  #written: Promise<void> = Promise.resolve();
  #hasEnded = false;
  #isPipelined = false;
  #wake: () => void = () => undefined;

  constructor(tcp: Socket, idleMs: number) {
    this.#tcp = tcp;
    this.#socket = tcp;
    this.#idleMs = idleMs;
    tcp.setNoDelay(true);
    this.#closed = new Promise((resolve) => {
      tcp.once('close', () => {
        this.#end();
        resolve();
      });
    });
    this.#attach(tcp);
  }

  get isSecure(): boolean {
    return this.#socket !== this.#tcp;
  }

  /** Nothing written from here on would arrive. */
  get isClosed(): boolean {
    return !this.#socket.writable;
  }

  /** Resolves when the connection is gone, whoever ended it. Never rejects. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Whether the line last read had come before it was asked for: the client did not wait for an answer. */
  get isPipelined(): boolean {
    return this.#isPipelined;
  }

  /** The next line, after all that was written is on its way; undefined when the client has ended. */
  async readLine(): Promise<InputLine | undefined> {
    for (this.#isPipelined = true; ; this.#isPipelined = false) {
      const line = this.#lines.take();
      if (line !== undefined) {
        return line;
      }
      await this.flush();
      if (this.#hasEnded) {
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#socket.resume();
      });
    }
  }

  /** Writes sooner or later; resolves when the client takes more. */
  async write(octets: Buffer): Promise<void> {
    this.#gathered.push(octets);
    this.#gatheredOctets += octets.length;
    if (this.#gatheredOctets >= GATHER_OCTETS) {
      await this.flush();
    }
  }

  /** Writes all that was gathered in one write; resolves when the client takes more. */
  async flush(): Promise<void> {
    if (this.#gatheredOctets === 0) {
      return;
    }
    const [only] = this.#gathered;
    const octets = this.#gathered.length === 1 && only ? only : Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredOctets = 0;
    if (!this.#socket.writable) {
      return;
    }
    let takesMore = true;
    this.#written = new Promise((resolve) => {
      takesMore = this.#socket.write(octets, () => resolve());
    });
    if (!takesMore) {
      await this.#drained();
    }
  }

  /** Begins the server's side of a TLS handshake; what was read in clear before is forgotten. A failed handshake closes. */
  startTls(secureContext: SecureContext): void {
    this.#socket.removeAllListeners('data').removeAllListeners('end');
    this.#lines.clear();
    // From here on only the TLS socket sees traffic, so only its timer is right.
    this.#tcp.setTimeout(0);
    this.#socket = new TLSSocket(this.#tcp, { isServer: true, secureContext });
    this.#attach(this.#socket);
  }

  /** Ends the connection and resolves when it is gone. */
  async end(ending: Ending): Promise<void> {
    await this.flush();
    // What was written before must be out of the process: under TLS it may still be on its way to the kernel.
    await this.#written;
    if (ending === 'rst') {
      this.#tcp.resetAndDestroy();
    } else if (ending === 'cut') {
      this.#tcp.destroySoon();
    } else if (ending === 'fin') {
      this.#socket.end();
    }
    this.#discardInput();
    await this.#closed;
  }

  destroy(): void {
    this.#tcp.destroy();
  }

  #attach(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      socket.pause();
      this.#lines.push(chunk);
      this.#wake();
    });
    socket.once('end', () => this.#end());
    // A client that vanishes or fails the handshake is an ordinary end of a session; `close` follows and tells it.
    socket.on('error', () => this.#tcp.destroy());
    // RFC 1939 §3: an autologout timer; it also ends writes that nobody takes.
    socket.setTimeout(this.#idleMs, () => this.#tcp.destroy());
    socket.pause();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** Without reading, the client's own end would never be noticed. */
  #discardInput(): void {
    this.#socket.removeAllListeners('data');
    if (this.#hasEnded) {
      this.#tcp.destroySoon();
      return;
    }
    this.#socket.once('end', () => this.#tcp.destroySoon());
    this.#socket.resume();
  }

  async #drained(): Promise<void> {
    const socket = this.#socket;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        socket.off('drain', settle);
        this.#tcp.off('close', settle);
        resolve();
      };
      socket.once('drain', settle);
      this.#tcp.once('close', settle);
    });
  }
}
