/**
 * A connection that carries octets: TCP, TLS from the start, or TLS put over it later (STLS). It pushes what arrives,
 * writes what it is given, and knows nothing of POP3.
 */
import type net from 'node:net';
import tls from 'node:tls';
import { type ChannelBinding, channelBindingOf } from './channel-binding.ts';
import { type ConnectOptions, connectSocket, ignore, settle } from './connect.ts';
import { ConnectionError } from './errors.ts';
import { agreementOf, assertPinned, type TlsFacts, tlsFactsOf, tlsSocketOptions } from './tls.ts';
import type { TlsSessions } from './tls-sessions.ts';

export interface TransportOptions extends ConnectOptions {
  /** TLS before the first octet (RFC 8314 §3). */
  readonly isImplicitTls: boolean;
  /** Takes lines of the key log format, where somebody wants to read a capture. */
  readonly onKeyLog?: ((line: Buffer) => void) | undefined;
  /** Remembers TLS sessions, so that the next one with this server begins with less. */
  readonly tlsSessions?: TlsSessions | undefined;
}

export interface TransportListener {
  onData(chunk: Buffer): void;
  /** The connection is gone; `cause` where it was not an orderly end. Called once. */
  onClosed(cause: Error | undefined): void;
}

/** How long the other side may take to end its half after we have ended ours. */
const LINGER_MS = 2_000;

export class Transport {
  #socket: net.Socket;
  #listener: TransportListener | undefined;
  #tlsFacts: TlsFacts | undefined;
  #channelBinding: ChannelBinding | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Records of TLS that came in this turn of the event loop. */
  #arrived: Buffer[] = [];
  /** Takes our listeners off the present socket. */
  #detach: () => void = ignore;
  readonly #options: TransportOptions;
  readonly #secureOptions: tls.ConnectionOptions;

  private constructor(socket: net.Socket, options: TransportOptions, secureOptions: tls.ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#secureOptions = secureOptions;
  }

  /** Connects within the deadline. @throws ConnectionError, or MailferryError `tls-ca-unreadable` before it connects. */
  static async connect(options: TransportOptions): Promise<Transport> {
    // Read now: between the answer to STLS and the handshake there must be no gap in which octets could slip in.
    const secureOptions = await tlsSocketOptions(options);
    const plain = await connectSocket(options);
    const transport = new Transport(plain, options, secureOptions);
    if (options.isImplicitTls) {
      await transport.startTls();
    }
    return transport;
  }

  /** What TLS agreed on; undefined in the clear. */
  get tlsFacts(): TlsFacts | undefined {
    return this.#tlsFacts;
  }

  /** What is the same at both ends of this TLS connection alone; undefined in the clear. */
  get channelBinding(): ChannelBinding | undefined {
    return this.#channelBinding;
  }

  get endpoint(): Pick<TransportOptions, 'host' | 'port' | 'tls'> {
    return this.#options;
  }

  /** Begins to push. Octets that arrive before wait in the socket. */
  listen(listener: TransportListener): void {
    this.#listener = listener;
    this.#attach();
  }

  /** Behind the other side's end it reaches nobody, as `onClosed` is about to tell. */
  write(octets: Buffer): void {
    if (!this.#socket.writableEnded) {
      this.#socket.write(octets);
    }
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /**
   * Puts TLS over the connection; what was read before is not part of it. Certificate and name are checked, or the pins.
   * @throws ConnectionError `tls` or `certificate`; the connection is gone then.
   */
  async startTls(): Promise<void> {
    const { host, port } = this.#options;
    const plain = this.#socket;
    this.#detach();
    // From here on the TLS socket reports what happens to the plain one below it.
    plain.on('error', ignore);
    if (plain.readableLength > 0) {
      plain.destroy();
      throw new ConnectionError(`${host}:${port} sent octets in the clear behind its answer to STLS`, {
        failure: 'tls',
        retry: 'never',
        hint: 'somebody between here and the server may be tampering with the connection',
      });
    }
    if (plain.destroyed) {
      throw new ConnectionError(`${host}:${port} closed the connection before the TLS handshake`, {
        failure: 'closed',
      });
    }
    const { onKeyLog, tlsSessions } = this.#options;
    const kept = tlsSessions?.get(this.#options);
    const secure = tls.connect({
      ...this.#secureOptions,
      socket: plain,
      ...(kept && { session: kept.session }),
    });
    this.#socket = secure;
    const keepSession = tlsSessions?.watch(this.#options, secure);
    if (onKeyLog !== undefined) {
      secure.on('keylog', onKeyLog);
    }
    try {
      await settle(secure, 'secureConnect', this.#options, `TLS handshake with ${host}:${port}`);
      const facts = this.#judge(secure, kept?.facts);
      this.#tlsFacts = facts;
      keepSession?.(facts);
      this.#channelBinding = channelBindingOf(secure);
    } catch (cause) {
      secure.destroy();
      throw cause;
    }
    if (this.#listener !== undefined) {
      this.#attach();
    }
  }

  /**
   * A resumed session shows no certificate: that it could be resumed proves the server which showed it, and which was judged
   * by the same rules then.
   */
  #judge(secure: tls.TLSSocket, earlier: TlsFacts | undefined): TlsFacts {
    if (secure.isSessionReused() && earlier !== undefined) {
      return { ...earlier, ...agreementOf(secure) };
    }
    assertPinned(secure, this.#options);
    return tlsFactsOf(secure);
  }

  /** Ends in order (TLS close alert, FIN) and does not wait for the other side for long. */
  close(): void {
    if (this.#socket.destroyed) {
      return;
    }
    this.#socket.end();
    this.#lingerTimer ??= setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    this.#socket.resume();
  }

  /** Drops the connection at once. */
  destroy(): void {
    clearTimeout(this.#lingerTimer);
    this.#socket.destroy();
  }

  #attach(): void {
    const socket = this.#socket;
    let failure: Error | undefined;
    // Servers put a message or less into a record of TLS, and Node hands over each by itself. Pushing as one what came in one turn
    // saves a tenth of the time of small messages.
    const onData =
      this.#tlsFacts === undefined
        ? (chunk: Buffer) => this.#listener?.onData(chunk)
        : (chunk: Buffer) => {
            if (this.#arrived.push(chunk) === 1) {
              setImmediate(() => this.#pushArrived());
            }
          };
    const onError = (cause: Error) => {
      failure = cause;
    };
    const onEnd = () => {
      if (this.#arrived.length === 0) {
        socket.destroy();
        return;
      }
      // What came with the end comes before it; it may be the answer to QUIT, and our own end is to go out, too.
      this.#pushArrived();
      setImmediate(() => socket.destroy());
    };
    const onClose = () => {
      clearTimeout(this.#lingerTimer);
      this.#pushArrived();
      this.#listener?.onClosed(failure);
    };
    if (socket.destroyed) {
      queueMicrotask(onClose);
      return;
    }
    socket.on('data', onData).on('error', onError).on('end', onEnd).once('close', onClose).resume();
    this.#detach = () => socket.off('data', onData).off('end', onEnd).off('close', onClose);
  }

  #pushArrived(): void {
    const [first, ...others] = this.#arrived;
    this.#arrived = [];
    if (first !== undefined) {
      this.#listener?.onData(others.length === 0 ? first : Buffer.concat([first, ...others]));
    }
  }
}
