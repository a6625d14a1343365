/**
 * The greeting (RFC 1939 §4) and the timestamp in it that APOP needs (§7).
 */
import { ProtocolError, RefusedError } from './errors.ts';
import { meaningOfRefusal } from './known-texts.ts';
import { parseResponseCode } from './response-code.ts';
import { parseStatus, quote } from './status.ts';

export interface Greeting {
  /** The text behind `+OK`. */
  readonly text: string;
  /** The msg-id with its angle brackets, where there is exactly one that is valid; APOP is impossible without. */
  readonly apopTimestamp: string | undefined;
}

/** @throws RefusedError where the server refuses the connection, ProtocolError where it is no POP3 server. */
export function parseGreeting(line: Buffer): Greeting {
  const raw = line.toString('latin1');
  if (/^\+\s*POP2/i.test(raw)) {
    throw notPop3(`a POP2 server answered: ${quote(raw)}`);
  }
  if (!/^(\+OK|-ERR)/i.test(raw)) {
    throw notPop3(`expected a POP3 greeting (+OK), got ${quote(raw)}`);
  }
  const status = parseStatus(line, false);
  if (status.kind === 'err') {
    throw refusedAtGreeting(status.text);
  }
  return { text: status.text, apopTimestamp: findApopTimestamp(status.text) };
}

function notPop3(text: string): ProtocolError {
  return new ProtocolError(text, {
    code: 'pop3-not-pop3',
    hint: 'check host, port and security: 995 is TLS, 110 is STARTTLS or plaintext',
  });
}

/** A refusal before anything was said concerns the server's state, not us: it is worth another try unless it says otherwise. */
function refusedAtGreeting(text: string): RefusedError {
  const responseCode = parseResponseCode(text);
  const meaning = meaningOfRefusal(responseCode, text, 'session');
  return new RefusedError(`the server refuses the connection: ${quote(text)}`, {
    code: meaning?.code ?? 'pop3-refused',
    scope: 'account',
    retry: meaning?.retry ?? 'later',
    hint: meaning?.hint,
    serverText: text,
    responseCode,
  });
}

/** One `<local@domain>` of printable ASCII without blanks; anything else, or two of them, is no timestamp. */
const MSG_ID = /<[!-;=?A-~]{1,200}@[!-;=?A-~]{1,200}>/g;

/**
 * The check is strict since a crafted timestamp lets an attacker learn the password (CVE-2007-1558), and bounded since a
 * greeting may be hostile.
 */
function findApopTimestamp(text: string): string | undefined {
  if (text.length > 512 || (text.match(/</g)?.length ?? 0) !== 1) {
    return undefined;
  }
  const found = text.match(MSG_ID);
  const only = found?.length === 1 ? found[0] : undefined;
  return only?.split('@').length === 2 ? only : undefined;
}
