/**
 * An HTTP proxy of the test's own (CONNECT alone, RFC 9110 §9.3.6), on loopback, that knows its own hosts: names that are nowhere
 * else. Must not use any code of the product.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface ConnectProxy extends AsyncDisposable {
  readonly port: number;
  /** What it was asked for, in order: `pop.example:110`. */
  readonly asked: readonly string[];
  /** What it was sent as `Proxy-Authorization`. */
  readonly authorizations: readonly (string | undefined)[];
}

/** @param ports on loopback, by what is asked for; anything else is refused */
export async function startConnectProxy(ports: Readonly<Record<string, number>>): Promise<ConnectProxy> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined);
  };
  const server = createServer().on('connect', ({ url = '', headers }, client) => {
    asked.push(url);
    authorizations.push(headers['proxy-authorization']);
    const port = ports[url];
    if (port === undefined) {
      client.end('HTTP/1.1 502 Unknown host\r\n\r\n');
      return;
    }
    const behind = keep(connect(port, '127.0.0.1'));
    client.on('error', () => behind.destroy());
    behind.once('connect', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      behind.pipe(client).pipe(behind);
    });
  });
  server.on('connection', keep).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    asked,
    authorizations,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
