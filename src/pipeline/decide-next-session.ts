/**
 * Whether an account needs another session in this run, and how it is opened: pure. It must not know connections, clocks or
 * the ledger.
 *
 * A session that breaks at a message is followed by another without that message: no bad message keeps the others from
 * being archived (promise 10). What breaks elsewhere, or too often, ends the account.
 */
import type { ReceivedPart } from '../message/received-part.ts';
import { ConnectionError, ProtocolError } from '../pop3/errors.ts';
import type { WantedMessage } from './classify-listing.ts';

/** How a session ended. */
export type SessionEnd =
  /** All that was wanted was fetched, and QUIT was sent. */
  | { readonly kind: 'complete' }
  /** It broke while messages were fetched; what was whole by then is archived and recorded. */
  | {
      readonly kind: 'broken';
      readonly cause: unknown;
      /** The message at which it broke: it was asked for, and its answer did not come whole. */
      readonly at: WantedMessage | undefined;
      /** What came of it. */
      readonly part?: ReceivedPart | undefined;
    };

export interface AccountProgress {
  /** Sessions of this run so far, this one included. */
  readonly sessions: number;
  /** The run was interrupted. */
  readonly isStopping: boolean;
}

export type NextSession =
  /** The account is done. */
  | { readonly kind: 'none' }
  /** The account ends with this reason. */
  | { readonly kind: 'stop'; readonly cause: unknown }
  /** Another session, without the message that has failed. */
  | {
      readonly kind: 'again';
      readonly without: { readonly wanted: WantedMessage; readonly cause: ConnectionError | ProtocolError };
    };

/** Sessions of one account in one run: a server that breaks so often is broken. */
export const MAX_SESSIONS = 10;

export function decideNextSession(end: SessionEnd, { sessions, isStopping }: AccountProgress): NextSession {
  if (end.kind === 'complete') {
    return { kind: 'none' };
  }
  const { cause, at } = end;
  if (at === undefined || !canBreakAgain(cause) || sessions >= MAX_SESSIONS || isStopping) {
    return { kind: 'stop', cause };
  }
  return { kind: 'again', without: { wanted: at, cause } };
}

/** The connection broke or the server lost count, and the next session may do better. */
function canBreakAgain(cause: unknown): cause is ConnectionError | ProtocolError {
  return (
    cause instanceof ProtocolError ||
    (cause instanceof ConnectionError && (cause.failure === 'closed' || cause.failure === 'silent'))
  );
}
