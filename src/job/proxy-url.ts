/**
 * Proxy URLs, as jobs and the variable ALL_PROXY have them: `socks5://host:port`, `http://host:port`. In a job a password has a place
 * of its own; in the environment, which is as good a place for a secret as any, it stands in the URL. Pure.
 */
import { parseHost } from './hosts.ts';

export interface ProxyUrl {
  readonly kind: 'socks5' | 'http';
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

export const PROXY_EXPECTED =
  'a proxy URL without a password, such as socks5://host:1080 or http://host:3128; or none';

const SCHEMES = { 'socks5:': 'socks5', 'socks5h:': 'socks5', 'socks:': 'socks5', 'http:': 'http' } as const;
const DEFAULT_PORTS = { socks5: 1080, http: 80 } as const;

/** @returns undefined where it is none that can be used. */
export function parseProxyUrl(text: string, mayHavePassword = false): ProxyUrl | undefined {
  // A URL loses line ends in silence; whoever wrote one meant something else.
  const url = isOneLine(text) && URL.canParse(text) ? new URL(text) : undefined;
  const kind = Object.entries(SCHEMES).find(([scheme]) => scheme === url?.protocol)?.[1];
  const host = parseHost(decoded(url?.hostname ?? ''));
  if (url === undefined || kind === undefined || host === undefined || url.port === '0') {
    return undefined;
  }
  const hasMore = !['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '';
  if (hasMore || (url.password !== '' && !mayHavePassword)) {
    return undefined;
  }
  const [user, password] = [decoded(url.username), decoded(url.password)];
  if (!isOneLine(user + password)) {
    return undefined;
  }
  return {
    kind,
    host,
    port: url.port === '' ? DEFAULT_PORTS[kind] : Number(url.port),
    user: url.username === '' ? undefined : user,
    password: url.password === '' ? undefined : password,
  };
}

/** Whether NO_PROXY (hosts, or domains with or without a leading dot, by commas; `*` for all) names the host. */
export function isInNoProxy(host: string, noProxy: string | undefined): boolean {
  return (noProxy ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const name = entry.replace(/^\*?\./, '');
      return entry === '*' || host === name || host.endsWith(`.${name}`);
    });
}

function isOneLine(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
