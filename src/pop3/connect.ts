/**
 * Making a connection: to the server or to its proxy, over IPv6 or IPv4, each step within the deadline and the run's abort signal.
 */
import net from 'node:net';
import { certificateError } from './certificate-trouble.ts';
import { ConnectionError } from './errors.ts';
import { openTunnel, type ProxyOptions, proxyName } from './proxy.ts';
import type { TlsOptions } from './tls.ts';

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions;
  /** Of each step: connecting, asking a proxy, the handshake. */
  readonly connectTimeoutMs: number;
  /** Through which the server is reached; directly where not given. */
  readonly proxy?: ProxyOptions | undefined;
  /** Address of this machine to connect from. */
  readonly localAddress?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * How long one address of several is tried before the next one. Node's own 250 ms give up on an address that is merely far
 * away, and never come back to it.
 */
const ADDRESS_ATTEMPT_MS = 2_000;

/** Over IPv6 or IPv4, whichever answers (RFC 8305); through the proxy where there is one. @throws ConnectionError */
export async function connectSocket(options: ConnectOptions): Promise<net.Socket> {
  const { host, port, proxy, localAddress } = options;
  const first = proxy ?? { host, port };
  const socket = net.connect({
    host: first.host,
    port: first.port,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  if (proxy === undefined) {
    await settle(socket, 'connect', options, `connecting to ${host}:${port}`);
    return socket;
  }
  const name = proxyName(proxy);
  await settle(socket, 'connect', options, `connecting to the proxy ${name}`);
  await within(socket, options, `asking the proxy ${name} for ${host}:${port}`, () =>
    openTunnel(socket, proxy, { host, port }),
  );
  return socket;
}

/** Waits for one event of a socket, with a deadline and the run's abort signal; destroys the socket on failure. */
export function settle(
  socket: net.Socket,
  event: 'connect' | 'secureConnect',
  options: ConnectOptions,
  what: string,
): Promise<void> {
  return within(socket, options, what, () => happened(socket, event, options, what));
}

function happened(
  socket: net.Socket,
  event: 'connect' | 'secureConnect',
  options: ConnectOptions,
  what: string,
): Promise<void> {
  const { promise, resolve, reject } = openPromise();
  const onError = (cause: Error) =>
    reject(certificateError(cause, socket, options) ?? connectError(cause, what));
  const onClose = () =>
    reject(new ConnectionError(`${what}: the server closed the connection`, { failure: 'closed' }));
  socket.once(event, resolve).once('error', onError).once('close', onClose);
  return promise.finally(() => {
    socket.off(event, resolve).off('error', onError).off('close', onClose);
    // Between two owners, and after destruction, an error is nobody's news; 'close' follows and tells.
    socket.on('error', ignore);
  });
}

function openPromise() {
  let resolve: () => void = ignore;
  let reject: (cause: Error) => void = ignore;
  const promise = new Promise<void>((resolveIt, rejectIt) => {
    resolve = resolveIt;
    reject = rejectIt;
  });
  return { promise, resolve, reject };
}

/** Runs a step that has no deadline of its own; the socket does not outlive its failure. */
async function within(
  socket: net.Socket,
  { connectTimeoutMs, signal }: ConnectOptions,
  what: string,
  step: () => Promise<void>,
): Promise<void> {
  let failure: ConnectionError | undefined;
  const giveUp = (cause: ConnectionError) => {
    failure ??= cause;
    socket.destroy();
  };
  const onAbort = () => giveUp(new ConnectionError(`${what} was interrupted`, { failure: 'aborted' }));
  const timer = setTimeout(() => {
    const text = `${what} took longer than ${connectTimeoutMs} ms`;
    giveUp(new ConnectionError(text, { failure: 'unreachable' }));
  }, connectTimeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const stepping = step();
    if (signal.aborted) {
      onAbort();
    }
    await stepping;
    if (failure !== undefined) {
      throw failure;
    }
  } catch (cause) {
    socket.destroy();
    throw failure ?? cause;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** For events that somebody else reports. */
export function ignore(): void {}

function connectError(cause: Error, what: string): ConnectionError {
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
