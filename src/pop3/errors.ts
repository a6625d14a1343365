/**
 * The three kinds of failure of a POP3 session: the server said no, the server broke the protocol, the connection broke.
 * They are kept apart because they end different things: a refusal ends one command, the other two end the session.
 */
import { type ErrorFacts, MailferryError, type Retry, type Scope } from '../errors/mailferry-error.ts';
import type { ResponseCode } from './response-code.ts';

/** RFC 2449 §4 allows 512 octets for the whole line. */
const MAX_SERVER_TEXT = 512;

/** The server understood and said `-ERR`. The session goes on. */
export class RefusedError extends MailferryError {
  /** The text behind `-ERR`, as it came (latin1), cut to a reasonable length. */
  readonly serverText: string;
  /** RFC 2449 §8 response code, where the server sent one. */
  readonly responseCode: ResponseCode | undefined;

  constructor(
    text: string,
    facts: Omit<ErrorFacts, 'code'> & {
      code?: string;
      serverText: string;
      responseCode: ResponseCode | undefined;
    },
  ) {
    super(text, { ...facts, code: facts.code ?? 'pop3-refused' });
    this.serverText = facts.serverText.slice(0, MAX_SERVER_TEXT);
    this.responseCode = facts.responseCode;
  }
}

/** The server sent what the protocol does not allow here. Nothing after it can be trusted: the session is over. */
export class ProtocolError extends MailferryError {
  constructor(text: string, facts: { code?: string; retry?: Retry; hint?: string } = {}) {
    super(text, {
      code: facts.code ?? 'pop3-protocol',
      scope: 'account',
      retry: facts.retry ?? 'never',
      hint: facts.hint ?? 'run with --trace FILE to see what the server sent',
    });
  }
}

export type ConnectionFailure = 'unreachable' | 'closed' | 'silent' | 'tls' | 'certificate' | 'aborted';

/** The connection could not be made, or broke, or went silent. */
export class ConnectionError extends MailferryError {
  readonly failure: ConnectionFailure;

  constructor(
    text: string,
    facts: {
      failure: ConnectionFailure;
      retry?: Retry;
      scope?: Scope;
      hint?: string | undefined;
      cause?: unknown;
    },
  ) {
    super(text, {
      code: `connection-${facts.failure}`,
      scope: facts.scope ?? 'account',
      retry: facts.retry ?? 'later',
      hint: facts.hint,
      cause: facts.cause,
    });
    this.failure = facts.failure;
  }
}
