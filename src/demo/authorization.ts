/**
 * The AUTHORIZATION state (RFC 1939 §4, §7; RFC 5034; RFC 2595 §4): USER, PASS, APOP, AUTH, STLS.
 * It must not know sockets; it answers, and says who has come in.
 */
import { createHash } from 'node:crypto';
import { type Answer, err, ok } from './answer.ts';
import type { Mailbox } from './mailbox.ts';
import type { Offer } from './offer.ts';

export interface User {
  readonly name: string;
  readonly password: string;
  readonly mailbox: Mailbox;
}

/** What an attempt to log in may use of the session. */
export interface Door {
  readonly offer: Offer;
  readonly isSecure: boolean;
  /** The timestamp of the greeting with its angle brackets (RFC 1939 §7); empty where APOP is not offered. */
  readonly timestamp: string;
  /** Set by USER, used up by the very next command. */
  readonly namedUser: string | undefined;
  findUser(name: string): User | undefined;
  /** Takes the lock and enters TRANSACTION, or answers `-ERR [IN-USE]`. */
  enter(user: User): Answer;
}

type Handler = (door: Door, argument: string) => Answer;

const REFUSED = err('[AUTH] user name or password is wrong');
const NOT_IN_CLEAR = err('[AUTH] log in over TLS only');

export const AUTHORIZATION: Readonly<Record<string, Handler>> = {
  USER: (door, name) =>
    guarded(door, 'user-pass', () => (name === '' ? err('USER needs a name') : ok('send PASS'))),
  PASS: (door, password) =>
    guarded(door, 'user-pass', () =>
      door.namedUser === undefined
        ? err('send USER first')
        : enterWith(door, door.namedUser, (secret) => secret === password),
    ),
  APOP: (door, argument) => guarded(door, 'apop', () => apop(door, argument)),
  AUTH: (door, argument) => auth(door, argument),
  STLS: (door, argument) => {
    if (!door.offer.hasStls || door.isSecure) {
      return err('STLS is not available');
    }
    // Some text must follow the +OK: protocol analysers look for it before they switch to TLS.
    return argument === '' ? ok('begin TLS', { next: 'start-tls' }) : err('STLS has no argument');
  },
};

/** RFC 1939 §7: the name may hold spaces, the digest is the last word. */
function apop(door: Door, argument: string): Answer {
  const words = /^(.+) ([0-9a-f]{32})$/.exec(argument);
  if (words === null) {
    return err('APOP needs a name and a digest');
  }
  const [, name = '', digest = ''] = words;
  return enterWith(door, name, (secret) => {
    const expected = createHash('md5').update(`${door.timestamp}${secret}`, 'latin1').digest('hex');
    return expected === digest;
  });
}

/** RFC 5034 §4: with or without an initial response; `*` cancels. */
function auth(door: Door, argument: string): Answer {
  const [mechanism = '', initial, ...more] = argument.split(' ');
  const method = mechanism.toLowerCase();
  if ((method !== 'plain' && method !== 'xoauth2') || !door.offer.logins.includes(method)) {
    return err('AUTH mechanism is not known');
  }
  if (more.length > 0 || (method === 'xoauth2' && initial !== undefined)) {
    return err('AUTH has too many arguments');
  }
  const answer = method === 'plain' ? plain : xoauth2;
  return guarded(door, method, () =>
    initial === undefined
      ? { status: '+ ', onResponse: (line) => answer(door, line) }
      : answer(door, initial),
  );
}

/** A refusal is a challenge with its reason; the -ERR follows the client's answer to it. */
function xoauth2(door: Door, response: string): Answer {
  const message = Buffer.from(response, 'base64').toString('latin1');
  const [field = '', bearer = ''] = message.split('\u0001');
  const [name, token] = [field.replace(/^user=/, ''), bearer.replace(/^auth=Bearer /, '')];
  const user = door.findUser(name);
  if (user !== undefined && user.password === token) {
    return door.enter(user);
  }
  const reason = { status: '401', schemes: 'bearer', scope: 'https://mail.example.net/' };
  const challenge = Buffer.from(JSON.stringify(reason)).toString('base64');
  return { status: `+ ${challenge}`, onResponse: () => REFUSED };
}

/** RFC 4616: `[authzid] NUL authcid NUL passwd` in Base64; an authorization identity must be the user's own. */
function plain(door: Door, response: string): Answer {
  if (response === '*') {
    return err('AUTH cancelled');
  }
  const octets = Buffer.from(response, 'base64');
  if (octets.toString('base64') !== response) {
    return err('the response is not Base64');
  }
  const [authzid = '', authcid = '', password, ...more] = octets.toString('latin1').split('\0');
  if (password === undefined || more.length > 0) {
    return err('the response is not PLAIN');
  }
  if (authzid !== '' && authzid !== authcid) {
    return REFUSED;
  }
  return enterWith(door, authcid, (secret) => secret === password);
}

function guarded(door: Door, method: Offer['logins'][number], answer: () => Answer): Answer {
  if (!door.offer.logins.includes(method)) {
    return err('this way to log in is not offered');
  }
  return door.isSecure || door.offer.allowsClearTextLogin ? answer() : NOT_IN_CLEAR;
}

/** An unknown user and a wrong password are answered alike. `isRight` is given the password octet for octet (latin1). */
function enterWith(door: Door, name: string, isRight: (secret: string) => boolean): Answer {
  const user = door.findUser(name);
  if (user === undefined || !isRight(Buffer.from(user.password, 'utf8').toString('latin1'))) {
    return REFUSED;
  }
  return door.enter(user);
}
