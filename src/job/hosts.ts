/**
 * Host names and addresses as a job names them. Pure; resolves nothing.
 */
import { isIP, isIPv4 } from 'node:net';
import { domainToASCII } from 'node:url';

/**
 * The host in the one form that is used everywhere else: lower case, ASCII (RFC 5891), an IPv6 literal without its brackets.
 * @returns undefined where it is neither an address nor a name that DNS could hold (RFC 1123 §2.1, and `_`).
 */
export function parseHost(text: string): string | undefined {
  const bare = /^\[(.*)\]$/.exec(text)?.[1];
  if (bare !== undefined) {
    return isIP(bare) === 6 ? bare.toLowerCase() : undefined;
  }
  if (isIP(text) !== 0) {
    return text.toLowerCase();
  }
  // domainToASCII also mends what nobody meant to write: it drops line ends and takes what follows a slash for a path.
  const ascii = /^\p{ASCII}*$/u.test(text) ? text.toLowerCase() : domainToASCII(text);
  return isHostName(ascii) && !/[\s\p{Cc}/\\?#@:]/u.test(text) ? ascii : undefined;
}

/** Whether what is said to this host stays on this machine (RFC 6761 §6.3 for `localhost`). */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) {
    return host.startsWith('127.');
  }
  return host === '::1' || /^::ffff:127\./.test(host) || /(^|\.)localhost\.?$/.test(host);
}

function isHostName(name: string): boolean {
  const labels = name.replace(/\.$/, '').split('.');
  // A name whose last label is a number is an address that went wrong (1.2.3, 256.1.1.1).
  return (
    name.length <= 254 &&
    labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) &&
    !/^[0-9]+$/.test(labels.at(-1) ?? '')
  );
}
