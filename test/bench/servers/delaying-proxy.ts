/**
 * A line with a round trip on loopback: what one side sends, the other gets half a round trip later, in order, at any rate, however much is
 * under way. The server is connected one and a half round trips after the client, which is when a server far away accepts a
 * connection that its client has just begun, so that the greeting comes after two. Must know nothing of POP3.
 */
import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';

const HOST = '127.0.0.1';
/** Timers are late by up to a millisecond and never early; what is due within half of one goes now, so that errors even out. */
const EARLY_MS = 0.5;
const HANDSHAKE_ROUND_TRIPS = 1.5;

export interface DelayingProxyOptions {
  /** Port of the server. */
  readonly target: number;
  readonly roundTripMs: number;
}

/** Must be disposed of, which ends its connections. */
export async function openDelayingProxy(options: DelayingProxyOptions): Promise<DelayingProxy> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen({ host: HOST, port: 0 });
  await once(server, 'listening');
  return new DelayingProxy(server, options);
}

export class DelayingProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #options: DelayingProxyOptions;
  readonly #sockets = new Set<Socket>();
  readonly #lines = new Set<DelayLine>();

  /** Use openDelayingProxy. */
  constructor(server: Server, options: DelayingProxyOptions) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    this.port = address.port;
    this.#server = server;
    this.#options = options;
    server.on('connection', (client) => this.#join(client));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines) line.stop();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const { roundTripMs, target } = this.#options;
    const up = new DelayLine(roundTripMs / 2, roundTripMs * HANDSHAKE_ROUND_TRIPS);
    const down = new DelayLine(roundTripMs / 2, 0);
    const server = new Socket({ allowHalfOpen: true });
    server.setNoDelay();
    this.#watch(client, up);
    this.#watch(server, down);
    up.put(() => server.connect({ host: HOST, port: target }));
    client.on('data', (chunk) => up.put(() => server.write(chunk)));
    client.on('end', () => up.put(() => server.end()));
    client.on('close', () => up.put(() => server.destroySoon()));
    server.on('data', (chunk) => down.put(() => client.write(chunk)));
    server.on('end', () => down.put(() => client.end()));
    server.on('close', () => down.put(() => client.destroySoon()));
  }

  /** An error is the other side's business; the close that follows it is ours. */
  #watch(socket: Socket, line: DelayLine): void {
    this.#sockets.add(socket);
    this.#lines.add(line);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** Does each step so many milliseconds after it was put, but none before the line is open; in order. */
class DelayLine {
  readonly #delayMs: number;
  readonly #openAtMs: number;
  #waiting: { readonly dueMs: number; readonly step: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(delayMs: number, opensInMs: number) {
    this.#delayMs = delayMs;
    this.#openAtMs = performance.now() + opensInMs;
  }

  put(step: () => void): void {
    this.#waiting.push({ dueMs: Math.max(performance.now() + this.#delayMs, this.#openAtMs), step });
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #wait(): void {
    const [next] = this.#waiting;
    if (next === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#doDue(), Math.max(0, next.dueMs - performance.now() - EARLY_MS));
  }

  #doDue(): void {
    this.#timer = undefined;
    const now = performance.now() + EARLY_MS;
    const later = this.#waiting.findIndex(({ dueMs }) => dueMs > now);
    const due = this.#waiting.splice(0, later === -1 ? this.#waiting.length : later);
    for (const { step } of due) step();
    this.#wait();
  }
}
