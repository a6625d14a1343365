/** A POP3 server in an enclosure as tests use it: where it listens, how mail gets in, what is left of it. */
import { type EnclosedName, type Enclosure, enclosedVersion } from './enclosure.ts';

/** How a server keeps its mail, looked at from outside. */
export interface MailStore {
  /** Gives how many messages the server took. No session of this user may be open meanwhile. */
  deliver(user: string, messages: Iterable<Uint8Array>): Promise<number>;
  /** How many messages the store holds, read by other means than POP3. */
  countLeft(user: string): Promise<number>;
}

export class EnclosedServer implements MailStore {
  readonly host: string;
  /** POP3, clear text or STLS. */
  readonly port: number;
  /** POP3 over TLS from the first octet; undefined where the server has none. */
  readonly tlsPort: number | undefined;
  /** PEM file of the authority that signed the server's certificate (for localhost, 127.0.0.1, ::1). */
  readonly caPath: string;
  /** Debian's. */
  readonly version: string;
  readonly #enclosure: Enclosure;
  readonly #store: MailStore;

  constructor(name: EnclosedName, enclosure: Enclosure, store: MailStore) {
    [this.port = 0, this.tlsPort] = enclosure.ports;
    this.host = enclosure.host;
    this.caPath = enclosure.caPath;
    this.version = enclosedVersion(name);
    this.#enclosure = enclosure;
    this.#store = store;
  }

  /** Process id of the outermost process, which is also its process group. */
  get pid(): number {
    return this.#enclosure.pid;
  }

  deliver(user: string, messages: Iterable<Uint8Array>): Promise<number> {
    return this.#store.deliver(user, messages);
  }

  countLeft(user: string): Promise<number> {
    return this.#store.countLeft(user);
  }

  /** All that the server has printed so far. */
  log(): Promise<string> {
    return Promise.resolve(this.#enclosure.output);
  }

  /** Ends every process of the server and removes its folder. Can be called twice. */
  stop(): Promise<void> {
    return this.#enclosure.stop();
  }
}
