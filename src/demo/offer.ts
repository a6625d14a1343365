/**
 * What the server offers, and how it says so in CAPA (RFC 2449, RFC 2595 §4, RFC 5034 §3). Pure.
 */

/**
 * `user-pass` and `apop` are RFC 1939 §7, `plain` is SASL PLAIN (RFC 5034, RFC 4616), `xoauth2` is that of Microsoft, which takes the
 * token on a line of its own; a user's password is the token.
 */
export type LoginMethod = 'user-pass' | 'apop' | 'plain' | 'xoauth2';

export interface Offer {
  readonly logins: readonly LoginMethod[];
  /** STLS on the plaintext port. */
  readonly hasStls: boolean;
  /** False: before TLS no login is announced, and each one is refused. */
  readonly allowsClearTextLogin: boolean;
}

export interface CapabilityFacts {
  readonly offer: Offer;
  readonly isSecure: boolean;
  readonly isLoggedIn: boolean;
}

/** RFC 2449 §5: what is announced before login stays announced after it, except STLS, which is permitted only before. */
export function capabilities({ offer, isSecure, isLoggedIn }: CapabilityFacts): string[] {
  const canLogIn = isSecure || offer.allowsClearTextLogin;
  const lines = ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', 'EXPIRE NEVER'];
  if (offer.logins.includes('user-pass') && canLogIn) {
    lines.push('USER');
  }
  const mechanisms = (['plain', 'xoauth2'] as const).filter((name) => offer.logins.includes(name));
  if (mechanisms.length > 0 && canLogIn) {
    lines.push(`SASL ${mechanisms.join(' ').toUpperCase()}`);
  }
  if (offer.hasStls && !isSecure && !isLoggedIn) {
    lines.push('STLS');
  }
  return [...lines, 'IMPLEMENTATION mailferry-demo'];
}
