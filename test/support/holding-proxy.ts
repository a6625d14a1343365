/**
 * Stands between a client and a server on loopback and, after so many octets from the server, holds the rest back until it is told
 * to let go: the moment at which a test kills or stops the program, without a clock. Must know nothing of POP3.
 */
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

export class HoldingProxy implements AsyncDisposable {
  /** Resolves when the limit is reached, in whatever connection. */
  readonly held: Promise<void>;
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #left: number;
  #onHeld: () => void = () => undefined;

  private constructor(server: Server, target: number, holdAfterOctets: number) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    this.port = address.port;
    this.#server = server;
    this.#left = holdAfterOctets;
    this.held = new Promise((resolve) => {
      this.#onHeld = resolve;
    });
    server.on('connection', (client) => this.#join(client, target));
  }

  /** @param target port of the server. */
  static async start(target: number, holdAfterOctets: number): Promise<HoldingProxy> {
    const server = createServer();
    server.listen({ host: HOST, port: 0 });
    await once(server, 'listening');
    return new HoldingProxy(server, target, holdAfterOctets);
  }

  /** Lets everything through from now on, in connections to come too. */
  release(): void {
    this.#left = Number.POSITIVE_INFINITY;
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, target: number): void {
    const server = createConnection({ host: HOST, port: target });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay();
      // The error itself is the other side's business; the close that follows is ours.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (chunk) => server.write(chunk));
    server.on('data', (chunk) => {
      client.write(chunk);
      this.#left -= chunk.length;
      if (this.#left <= 0) {
        server.pause();
        this.#onHeld();
      }
    });
    server.on('end', () => client.end());
    client.on('end', () => server.end());
  }
}
