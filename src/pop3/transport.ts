/**
 * A connection that carries octets: TCP, TLS from the start, or TLS put over it later (STLS). It pushes what arrives,
 * writes what it is given, and knows nothing of POP3.
 */
import net from 'node:net';
import tls from 'node:tls';
import { type ChannelBinding, channelBindingOf } from './channel-binding.ts';
import { ConnectionError } from './errors.ts';
import {
  agreementOf,
  assertPinned,
  certificateError,
  type TlsFacts,
  type TlsOptions,
  tlsFactsOf,
  tlsSocketOptions,
} from './tls.ts';
import type { TlsSessions } from './tls-sessions.ts';

export interface TransportOptions {
  readonly host: string;
  readonly port: number;
  /** TLS before the first octet (RFC 8314 §3). */
  readonly isImplicitTls: boolean;
  readonly tls: TlsOptions;
  readonly connectTimeoutMs: number;
  /** Takes lines of the key log format, where somebody wants to read a capture. */
  readonly onKeyLog?: ((line: Buffer) => void) | undefined;
  /** Remembers TLS sessions, so that the next one with this server begins with less. */
  readonly tlsSessions?: TlsSessions | undefined;
  readonly signal: AbortSignal;
}

export interface TransportListener {
  onData(chunk: Buffer): void;
  /** The connection is gone; `cause` where it was not an orderly end. Called once. */
  onClosed(cause: Error | undefined): void;
}

/**
 * How long one address of several is tried before the next one. Node's own 250 ms give up on an address that is merely far
 * away, and never come back to it.
 */
const ADDRESS_ATTEMPT_MS = 2_000;

/** How long the other side may take to end its half after we have ended ours. */
const LINGER_MS = 2_000;

export class Transport {
  #socket: net.Socket;
  #listener: TransportListener | undefined;
  #tlsFacts: TlsFacts | undefined;
  #channelBinding: ChannelBinding | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
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
    const { host, port } = options;
    // Read now: between the answer to STLS and the handshake there must be no gap in which octets could slip in.
    const secureOptions = await tlsSocketOptions(options);
    const plain = net.connect({
      host,
      port,
      noDelay: true,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    });
    await settle(plain, 'connect', options, `connecting to ${host}:${port}`);
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

  get endpoint(): Pick<TransportOptions, 'host' | 'port'> {
    return this.#options;
  }

  /** Begins to push. Octets that arrive before wait in the socket. */
  listen(listener: TransportListener): void {
    this.#listener = listener;
    this.#attach();
  }

  write(octets: Buffer): void {
    this.#socket.write(octets);
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
    const onData = (chunk: Buffer) => this.#listener?.onData(chunk);
    const onError = (cause: Error) => {
      failure = cause;
    };
    const onEnd = () => socket.destroy();
    const onClose = () => {
      clearTimeout(this.#lingerTimer);
      this.#listener?.onClosed(failure);
    };
    if (socket.destroyed) {
      queueMicrotask(onClose);
      return;
    }
    socket.on('data', onData).on('error', onError).on('end', onEnd).once('close', onClose);
    this.#detach = () => socket.off('data', onData).off('end', onEnd).off('close', onClose);
  }
}

/** Waits for one event of a socket, with a deadline and the run's abort signal; destroys the socket on failure. */
function settle(
  socket: net.Socket,
  event: 'connect' | 'secureConnect',
  options: TransportOptions,
  what: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (failure?: ConnectionError) => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onAbort);
      socket.off(event, onEvent).off('close', onClose).off('error', onError);
      // Between two owners, and after destruction, an error is nobody's news; 'close' follows and tells.
      socket.on('error', ignore);
      if (failure === undefined) {
        resolve();
        return;
      }
      socket.destroy();
      reject(failure);
    };
    const onEvent = () => done();
    const onError = (cause: Error) => done(connectError(cause, options, what));
    const onClose = () =>
      done(new ConnectionError(`${what}: the server closed the connection`, { failure: 'closed' }));
    const onAbort = () => done(new ConnectionError(`${what} was interrupted`, { failure: 'aborted' }));
    const timer = setTimeout(() => {
      done(
        new ConnectionError(`${what} took longer than ${options.connectTimeoutMs} ms`, {
          failure: 'unreachable',
        }),
      );
    }, options.connectTimeoutMs);
    options.signal.addEventListener('abort', onAbort, { once: true });
    socket.once(event, onEvent).once('error', onError).once('close', onClose);
    if (options.signal.aborted) {
      onAbort();
    }
  });
}

/** For events that somebody else reports. */
function ignore(): void {}

function connectError(cause: Error, options: TransportOptions, what: string): ConnectionError {
  const certificate = certificateError(cause, options);
  if (certificate !== undefined) {
    return certificate;
  }
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return new ConnectionError(`${what}: the server does not speak TLS on this port`, {
      failure: 'tls',
      retry: 'never',
      hint: 'use `security: starttls` with port 110, or `security: tls` with port 995',
      cause,
    });
  }
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code === 'EPROTO') {
    return new ConnectionError(`${what} failed: ${cause.message}`, { failure: 'tls', retry: 'never', cause });
  }
  const isUnknownName = code === 'ENOTFOUND';
  return new ConnectionError(`${what} failed: ${describe(cause, code)}`, {
    failure: 'unreachable',
    hint: isUnknownName ? 'the host name is unknown: check `host`' : undefined,
    cause,
  });
}

/** Node gives an AggregateError without text where it tried several addresses. */
function describe(cause: Error, code: string): string {
  if (cause instanceof AggregateError) {
    const texts = cause.errors.map((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    return texts.join('; ');
  }
  return cause.message === '' ? code : cause.message;
}
