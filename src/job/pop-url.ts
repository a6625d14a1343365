/**
 * POP URLs: `pop://user;AUTH=mechanism@host:port` as RFC 2384 has them, and `pops://` for TLS from the first octet (RFC 8314
 * §3). One line says what otherwise takes four keys. Pure; must not know what a job does with it.
 */
import { parseHost } from './hosts.ts';
import type { Security } from './job.ts';

export interface PopUrl {
  readonly host: string;
  /** As the URL names it; without one it is 110 for `pop`, 995 for `pops`. */
  readonly port: number | undefined;
  readonly scheme: 'pop' | 'pops';
  /** Decoded. */
  readonly user: string | undefined;
  /** In upper case: `AUTO` for `*`, `APOP` for `+APOP`, else as the URL names it; undefined where it names none. */
  readonly auth: string | undefined;
}

/** What a scheme says where a job says nothing: never a clear line. */
export const SECURITY_OF_SCHEME = { pop: 'starttls', pops: 'tls' } as const satisfies Record<
  PopUrl['scheme'],
  Security
>;

/** RFC 2384 §3. A `;`, `:` or `@` that belongs to the user comes percent-encoded, so the text is cut before it is decoded. */
const POP_URL =
  /^(?<scheme>pops?):\/\/(?:(?<userInfo>[^@/?#]*)@)?(?<host>\[[^\]]*\]|[^:/?#@]+)(?::(?<port>[0-9]{1,5}))?\/?$/i;
const USER_INFO = /^(?<user>[^;:]*)(?:;auth=(?<auth>[^;:]+))?$/i;

const EXPECTED = 'a POP URL such as pops://host, pops://host:port or pop://user;AUTH=mechanism@host:port';

export function isPopUrl(text: string): boolean {
  return /^pops?:/i.test(text);
}

/** @returns what was expected, as a noun phrase, where the text is no POP URL that can be used. */
export function parsePopUrl(text: string): PopUrl | string {
  const parts = POP_URL.exec(text)?.groups;
  const host = parseHost(decoded(parts?.['host'] ?? '') ?? '');
  const port = Number(parts?.['port'] ?? 0);
  if (parts === undefined || host === undefined || port > 65_535 || parts['port'] === '0') {
    return EXPECTED;
  }
  const userInfo = parts['userInfo'] ?? '';
  if (userInfo.includes(':')) {
    return 'a POP URL without a password (RFC 2384 §3)';
  }
  const { user, auth } = USER_INFO.exec(userInfo)?.groups ?? {};
  const [userName, mechanism] = [decoded(user ?? '\0%'), decoded(auth ?? '')];
  if (userName === undefined || mechanism === undefined) {
    return 'a POP URL whose user is percent-encoded, with at most ";AUTH=mechanism" behind it';
  }
  const scheme = parts['scheme']?.toLowerCase() === 'pops' ? 'pops' : 'pop';
  return {
    host,
    port: port > 0 ? port : undefined,
    scheme,
    user: userName === '' ? undefined : userName,
    auth: nameOfMechanism(mechanism),
  };
}

/** The POP URL that stands where a host does, if it is one. */
export function urlIn(host: string | undefined): PopUrl | undefined {
  const url = host === undefined || !isPopUrl(host) ? undefined : parsePopUrl(host);
  return typeof url === 'object' ? url : undefined;
}

/** RFC 2384 §4: `*` leaves the choice to the client, `+APOP` is no SASL mechanism. */
function nameOfMechanism(auth: string): string | undefined {
  if (auth === '') {
    return undefined;
  }
  return auth === '*' ? 'AUTO' : auth.toUpperCase().replace(/^\+/, '');
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
