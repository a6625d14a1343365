/**
 * SOCKS5 as a client speaks it (RFC 1928; user name and password by RFC 1929): one CONNECT, by name. It is pushed with octets as
 * TCP cut them and never sees a socket. What comes behind the last answer is the server's and is given back untouched.
 */

/** An answer that ends the conversation with the proxy. */
export type SocksEnd =
  | { readonly kind: 'open'; readonly rest: Buffer }
  | { readonly kind: 'refused'; readonly why: string; readonly isLogin: boolean };

export interface SocksTarget {
  readonly host: string;
  readonly port: number;
}

export interface SocksCredentials {
  readonly user: string;
  readonly password: string;
}

const VERSION = 5;
const LOGIN_VERSION = 1;
const NO_LOGIN = 0;
const USER_AND_PASSWORD = 2;
const CONNECT = 1;
const BY_NAME = 3;
/** Of address types, without the port: IPv4, IPv6; a name says its own length. */
const ADDRESS_OCTETS: Readonly<Record<number, number>> = { 1: 4, 4: 16 };
const MAX_FIELD_OCTETS = 255;

/** RFC 1928 §6. */
const REFUSALS: readonly string[] = [
  '',
  'it has a general failure',
  'its rules do not allow the connection',
  'it cannot reach the network',
  'it cannot reach the host, or does not know its name',
  'the server refuses the connection',
  'the connection took too many hops',
  'it does not know the command',
  'it does not know the kind of address',
];

/** Each step takes what has come so far, and says how much of it is its own and what to send; or that it needs more. */
type Step = (
  octets: Buffer,
) => { readonly used: number; readonly send?: Buffer; readonly next: Step | SocksEnd } | undefined;

export class SocksDialogue {
  readonly #target: SocksTarget;
  readonly #credentials: SocksCredentials | undefined;
  #octets: Buffer = Buffer.alloc(0);
  #step: Step;

  constructor(target: SocksTarget, credentials: SocksCredentials | undefined) {
    this.#target = target;
    this.#credentials = credentials;
    this.#step = (octets) => this.#readMethod(octets);
  }

  /** What to send first: the ways to log in that we have. */
  get greeting(): Buffer {
    const methods = this.#credentials === undefined ? [NO_LOGIN] : [NO_LOGIN, USER_AND_PASSWORD];
    return Buffer.from([VERSION, methods.length, ...methods]);
  }

  /** Takes octets of the proxy. @returns what to send, and the end once there is one. */
  push(chunk: Buffer): { readonly send: readonly Buffer[]; readonly end: SocksEnd | undefined } {
    this.#octets = Buffer.concat([this.#octets, chunk]);
    const send: Buffer[] = [];
    for (let taken = this.#step(this.#octets); taken !== undefined; taken = this.#step(this.#octets)) {
      this.#octets = this.#octets.subarray(taken.used);
      if (taken.send !== undefined) {
        send.push(taken.send);
      }
      if (typeof taken.next !== 'function') {
        const end = taken.next.kind === 'open' ? { ...taken.next, rest: this.#octets } : taken.next;
        return { send, end };
      }
      this.#step = taken.next;
    }
    return { send, end: undefined };
  }

  #readMethod(octets: Buffer): ReturnType<Step> {
    const [version, method] = octets;
    if (version === undefined || (version === VERSION && method === undefined)) {
      return undefined;
    }
    if (version !== VERSION) {
      return refuse('it does not speak SOCKS5');
    }
    if (method === USER_AND_PASSWORD && this.#credentials !== undefined) {
      return { used: 2, send: loginRequest(this.#credentials), next: (more) => this.#readLogin(more) };
    }
    return method === NO_LOGIN
      ? { used: 2, send: connectRequest(this.#target), next: readConnection }
      : refuse('it wants a login that was not given', true);
  }

  #readLogin(octets: Buffer): ReturnType<Step> {
    const [, status] = octets;
    if (status === undefined) {
      return undefined;
    }
    return status === 0
      ? { used: 2, send: connectRequest(this.#target), next: readConnection }
      : refuse('it refuses the user name or the password', true);
  }
}

function readConnection(octets: Buffer): ReturnType<Step> {
  const [version, status, , kind, nameOctets] = octets;
  if (status !== undefined && status !== 0) {
    return refuse(REFUSALS[status] ?? `it answered ${status}`);
  }
  if (nameOctets === undefined || version === undefined || kind === undefined) {
    return undefined;
  }
  const address = kind === BY_NAME ? 1 + nameOctets : ADDRESS_OCTETS[kind];
  if (version !== VERSION || address === undefined) {
    return refuse('its answer is no SOCKS5');
  }
  const used = 4 + address + 2;
  return octets.length < used ? undefined : { used, next: { kind: 'open', rest: octets } };
}

function refuse(why: string, isLogin = false): ReturnType<Step> {
  return { used: 0, next: { kind: 'refused', why, isLogin } };
}

function loginRequest({ user, password }: SocksCredentials): Buffer {
  return Buffer.concat([
    Buffer.from([LOGIN_VERSION]),
    field(user, 'the user name'),
    field(password, 'the password'),
  ]);
}

/** By name, addresses too: what a name is, the proxy knows better. */
function connectRequest({ host, port }: SocksTarget): Buffer {
  const request = Buffer.from([VERSION, CONNECT, 0, BY_NAME]);
  return Buffer.concat([request, field(host, 'the host name'), Buffer.from([port >> 8, port & 0xff])]);
}

function field(text: string, what: string): Buffer {
  const octets = Buffer.from(text, 'utf8');
  if (octets.length === 0 || octets.length > MAX_FIELD_OCTETS) {
    throw new RangeError(`${what} has ${octets.length} octets; SOCKS5 takes 1 to ${MAX_FIELD_OCTETS}`);
  }
  return Buffer.concat([Buffer.from([octets.length]), octets]);
}
