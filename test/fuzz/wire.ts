/**
 * Servers that nobody would run: a relay that spoils what a demo server says, and a player of spoilt transcripts. Each keeps
 * every octet that it sent, session by session, for the oracle.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Step } from '../replay/transcript.ts';
import type { Dice } from './dice.ts';
import { cut, mutate } from './mutate.ts';

/** How a session is spoilt. */
export type Spoiling =
  /** Only ended too early, in any way, and cut anywhere: what arrives is true as far as it goes. */
  | 'ended'
  /** Octets changed, too. */
  | 'changed'
  /** One answer goes on for ever, or for long enough. */
  | 'flooded';

export interface SpoiltServer {
  readonly port: number;
  /** What was sent, by session. */
  readonly sent: readonly Buffer[][];
  /** From now on nothing is spoilt. */
  mend(): void;
  close(): Promise<void>;
}

export interface SpoiltOptions {
  readonly host: string;
  readonly dice: Dice;
  readonly spoiling: Spoiling;
  /** In the middle of a flood, and at its end: the client has had time to take what came. */
  readonly onFlooded: () => void;
}

/** What a flood is made of: no line end, no dot; dots to be un-stuffed; what looks like an answer. */
const FLOODS: readonly string[] = ['x', '..\r\n', '\r', '\n', '+OK\r\n', '\0', 'text\r\n'];
/** Far more than a session may hold. */
const FLOOD_CHUNKS = 256;
const FLOOD_CHUNK_OCTETS = 256 * 1024;
/** Lines of a listing are kept, up to some millions: of these a flood has less. */
const LISTING_FLOODS: readonly string[] = ['1 1\r\n', '2 u\r\n'];
const LISTING_CHUNKS = 2;

/** What has happened on one connection, and what is still to happen. */
class SpoiltSession {
  readonly #client: Socket;
  readonly #dice: Dice;
  readonly #spoiling: Spoiling | undefined;
  readonly #onFlooded: () => void;
  readonly #sent: Buffer[];
  /** Octets that pass untouched before the next thing goes wrong. */
  #peace: number;
  #isOver = false;

  constructor(
    client: Socket,
    { dice, onFlooded }: SpoiltOptions,
    spoiling: Spoiling | undefined,
    sent: Buffer[],
  ) {
    this.#client = client;
    this.#dice = dice;
    this.#spoiling = spoiling;
    this.#onFlooded = onFlooded;
    this.#sent = sent;
    this.#peace = this.#nextPeace();
    client.on('error', () => undefined);
  }

  get isOver(): boolean {
    return this.#isOver || this.#client.destroyed;
  }

  /** Sends octets of the good server on, spoilt where their time has come. */
  async send(octets: Buffer): Promise<void> {
    if (this.#spoiling === undefined) {
      return this.#write(octets);
    }
    let left = octets;
    while (left.length > 0 && !this.isOver) {
      if (this.#peace >= left.length) {
        this.#peace -= left.length;
        return this.#write(left);
      }
      await this.#write(left.subarray(0, this.#peace));
      left = left.subarray(this.#peace);
      this.#peace = this.#nextPeace();
      left = await this.#spoil(left, this.#spoiling);
    }
  }

  end(): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#client.end();
    }
  }

  #nextPeace(): number {
    return this.#dice.below(this.#dice.pick([60, 300, 1_500, 6_000]));
  }

  async #spoil(octets: Buffer, spoiling: Spoiling): Promise<Buffer> {
    if (spoiling === 'flooded' && this.#dice.oneIn(2)) {
      await this.#flood();
      this.#end();
      return Buffer.alloc(0);
    }
    if (spoiling === 'ended' || this.#dice.oneIn(8)) {
      if (this.#dice.oneIn(3)) {
        this.#end();
      }
      return octets;
    }
    return mutate(octets, this.#dice);
  }

  #end(): void {
    this.#isOver = true;
    const how = this.#dice.below(5);
    if (how === 0) {
      // Silence: the client has to give up by itself.
      return;
    }
    how === 1 ? this.#client.resetAndDestroy() : this.#client.end();
  }

  async #flood(): Promise<void> {
    const isListing = this.#dice.oneIn(4);
    const text = this.#dice.pick(isListing ? LISTING_FLOODS : FLOODS);
    const chunk = Buffer.alloc(FLOOD_CHUNK_OCTETS, text, 'latin1');
    const chunks = isListing ? LISTING_CHUNKS : FLOOD_CHUNKS;
    for (let count = 0; count < chunks && !this.#client.destroyed; count += 1) {
      // Nothing ends within a flood or behind it: the oracle needs no more than its beginning.
      if (count === 0) {
        this.#sent.push(chunk);
      }
      if (!this.#client.write(chunk)) {
        await this.#drained();
      }
      if (!isListing && count === chunks / 2) {
        this.#onFlooded();
      }
    }
    if (!isListing) {
      this.#onFlooded();
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#client.off('drain', done).off('close', done);
        resolve();
      };
      this.#client.on('drain', done).on('close', done);
    });
  }

  async #write(octets: Buffer): Promise<void> {
    const pieces = octets.length < 400 ? cut(octets, this.#dice) : [octets];
    for (const piece of pieces) {
      if (this.isOver) {
        return;
      }
      this.#sent.push(piece);
      this.#client.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A relay to a good server. */
export async function spoiltRelay(target: number, options: SpoiltOptions): Promise<SpoiltServer> {
  return serve(options, async (session, client) => {
    const server = connect(target, '127.0.0.1');
    server.on('error', () => session.end());
    client.on('data', (octets) => server.write(octets)).on('close', () => server.destroy());
    client.on('end', () => server.end());
    for await (const octets of server as AsyncIterable<Buffer>) {
      await session.send(octets);
      if (session.isOver) {
        break;
      }
    }
    server.destroy();
    session.end();
  });
}

/** Plays the server's part of a transcript, whatever the client says: the next octets come when it has said anything. */
export async function spoiltPlayer(steps: readonly Step[], options: SpoiltOptions): Promise<SpoiltServer> {
  return serve(options, async (session, client) => {
    let said = 0;
    let wake: () => void = () => undefined;
    client.on('data', () => {
      said += 1;
      wake();
    });
    client.on('close', () => wake());
    client.on('end', () => client.end());
    for (const step of steps) {
      if (step.kind === 'server') {
        await session.send(step.octets);
      } else if (step.kind === 'client') {
        if (said === 0 && !client.destroyed) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        said = 0;
      }
    }
    session.end();
  });
}

async function serve(
  options: SpoiltOptions,
  work: (session: SpoiltSession, client: Socket) => Promise<void>,
): Promise<SpoiltServer> {
  const sent: Buffer[][] = [];
  const clients = new Set<Socket>();
  let present: Spoiling | undefined = options.spoiling;
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    const octets: Buffer[] = [];
    sent.push(octets);
    // A connection that ends under our hands ends the work on it.
    work(new SpoiltSession(client, options, present, octets), client).catch(() => client.destroy());
  });
  server.listen(0, options.host);
  await once(server, 'listening');
  return {
    // A TCP server that listens has an address of this kind.
    port: (server.address() as AddressInfo).port,
    sent,
    mend: () => {
      present = undefined;
    },
    close: async () => {
      for (const client of clients) {
        client.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}
