/**
 * TLS sessions of a run, kept for the next connection to the same server under the same rules: resuming one saves the
 * certificates and a signature. What differs in name, authority or pins never shares one, so nothing is trusted that would not
 * be trusted anew. In memory only.
 */
import type { TLSSocket } from 'node:tls';
import type { TlsFacts, TlsOptions } from './tls.ts';

/** Servers that are remembered; beyond it the one that was kept first goes. */
const MAX_SERVERS = 1000;

interface Server {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions;
}

export interface KeptSession {
  readonly session: Buffer;
  /** What was found out about the server when it showed its certificate. */
  readonly facts: TlsFacts;
}

export class TlsSessions {
  readonly #sessions = new Map<string, KeptSession>();

  get(server: Server): KeptSession | undefined {
    return this.#sessions.get(keyOf(server));
  }

  /**
   * Listens for what the server gives for resuming: with TLS 1.2 that comes in the handshake, with TLS 1.3 behind it, and a
   * new one each time. It is kept only once the connection was found to be good.
   * @returns to be called then.
   */
  watch(server: Server, socket: TLSSocket): (facts: TlsFacts) => void {
    let good: TlsFacts | undefined;
    let latest: Buffer | undefined;
    const keep = () => {
      if (good !== undefined && latest !== undefined) {
        this.#keep(keyOf(server), { session: latest, facts: good });
      }
    };
    socket.on('session', (session: Buffer) => {
      latest = session;
      keep();
    });
    return (facts) => {
      good = facts;
      keep();
    };
  }

  #keep(key: string, kept: KeptSession): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, kept);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > MAX_SERVERS && oldest !== undefined) {
      this.#sessions.delete(oldest);
    }
  }
}

/** All that decides what is trusted, and who we show ourselves as. */
function keyOf({ host, port, tls }: Server): string {
  return JSON.stringify([host, port, tls]);
}
