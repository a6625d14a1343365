/**
 * Plays the server's part of a transcript on a loopback socket, one session long, and holds the client to its own part: an octet
 * that the transcript does not have, or has later, is a failure.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Step } from './transcript.ts';

/** How many octets the next write has, of so many that are left. */
export type Cut = (left: number) => number;

export interface ScriptedServer {
  readonly port: number;
  /** Resolves when the client has gone; rejects where it did not keep to the transcript. */
  readonly played: Promise<void>;
  close(): Promise<void>;
}

export async function playServer(steps: readonly Step[], cut: Cut): Promise<ScriptedServer> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Error('no port');
  }
  let socket: Socket | undefined;
  const played = once(server, 'connection').then(([connected]) => {
    // once() gives unknown; a net server emits 'connection' with a Socket.
    socket = connected as Socket;
    return play(socket, steps, cut);
  });
  // The test awaits it; until then a failure must not count as unhandled.
  played.catch(() => undefined);
  const close = async () => {
    socket?.destroy();
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  };
  return { port: address.port, played, close };
}

async function play(socket: Socket, steps: readonly Step[], cut: Cut): Promise<void> {
  const client = new ClientOctets(socket);
  for (const step of steps) {
    if (step.kind === 'client') {
      await client.expect(step.octets);
    } else if (step.kind === 'server') {
      client.assertNothingMore();
      await send(socket, step.octets, cut);
    } else if (step.how === 'fin') {
      socket.end();
    } else {
      socket.resetAndDestroy();
    }
  }
  await client.gone;
  client.assertNothingMore();
  socket.destroy();
}

/** In pieces, each with its own turn of the event loop, so that the client reads them one by one. */
async function send(socket: Socket, octets: Buffer, cut: Cut): Promise<void> {
  let from = 0;
  while (from < octets.length && !socket.destroyed) {
    const end = Math.min(octets.length, from + Math.max(1, cut(octets.length - from)));
    const piece = octets.subarray(from, end);
    await new Promise((resolve) => socket.write(piece, resolve));
    await new Promise((resolve) => setImmediate(resolve));
    from = end;
  }
}

class ClientOctets {
  #received = Buffer.alloc(0);
  #isGone = false;
  #changed: () => void = () => undefined;
  readonly gone: Promise<void>;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#changed();
    });
    // A client that drops the connection may reset it: 'close' follows and is what counts.
    socket.on('error', () => undefined);
    this.gone = new Promise((resolve) => {
      const isGone = () => {
        this.#isGone = true;
        this.#changed();
        resolve();
      };
      socket.on('end', isGone).on('close', isGone);
    });
  }

  async expect(octets: Buffer): Promise<void> {
    while (this.#received.length < octets.length && octets.indexOf(this.#received) === 0 && !this.#isGone) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    const came = this.#received.subarray(0, octets.length);
    if (!came.equals(octets)) {
      throw new Error(`the transcript has ${show(octets)} next, the client sent ${show(this.#received)}`);
    }
    this.#received = this.#received.subarray(octets.length);
  }

  assertNothingMore(): void {
    if (this.#received.length > 0) {
      throw new Error(`the client sent ${show(this.#received)} where the transcript has nothing of it`);
    }
  }
}

function show(octets: Buffer): string {
  return JSON.stringify(octets.toString('latin1', 0, 200));
}
