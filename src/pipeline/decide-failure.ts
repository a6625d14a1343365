/**
 * Whose fault it is that a message was not archived, and whether that was once too often: pure. It must not know messages,
 * connections or the ledger.
 *
 * | what happened | counts as an attempt of the message |
 * | --- | --- |
 * | the server refused it for now (response code, lock) | no: the next run |
 * | the server said that it is gone | not the first time: the next listing judges. Where it is listed again and gone again, yes |
 * | the server refused it for any other reason | yes |
 * | the session broke at it, and a later session of the run came to its listing | yes |
 * | the session broke at it, and nobody knows what the server was like afterwards | no |
 * | a sink refused this one message for good | yes |
 * | a sink, the disk, the account or the run failed | no |
 *
 * Attempts of one run count once. A message without a unique-id of its own is never set aside: nothing says that the next one of
 * that size is the same.
 */
import type { MailferryError } from '../errors/mailferry-error.ts';
import { MESSAGE_GONE } from '../pop3/known-texts.ts';

/** `refused`: -ERR to RETR. `broken`: the session ended in mid-message. `unstored`: it came whole, and a sink did not take it. */
export type FailureKind = 'refused' | 'broken' | 'unstored';

/** What the ledger knows of the message from earlier runs. */
export interface FailedBefore {
  readonly firstSeenAt: number;
  readonly attempts: number;
  readonly lastErrorCode: string | null;
  readonly isQuarantined: boolean;
}

export interface FailureFacts {
  readonly kind: FailureKind;
  readonly cause: Pick<MailferryError, 'code' | 'scope' | 'retry'>;
  /** Where the session broke: whether the server listed the maildrop again afterwards. */
  readonly isServerWell: boolean;
  /** Whether its unique-id stands for this message alone. */
  readonly isIdentified: boolean;
  /** Whether it failed in this run already. */
  readonly hasFailedInRun: boolean;
  readonly before: FailedBefore | undefined;
  /** Attempts after which a message is set aside. */
  readonly maxAttempts: number;
}

export interface FailureVerdict {
  readonly isAttempt: boolean;
  /** Undefined: now. */
  readonly firstSeenAt: number | undefined;
  /** Attempts so far, this one included where it counts. */
  readonly attempts: number;
  readonly isQuarantined: boolean;
}

export function decideFailure(facts: FailureFacts): FailureVerdict {
  const { before, isIdentified, hasFailedInRun, maxAttempts } = facts;
  const isAttempt = !hasFailedInRun && isItsOwnFault(facts);
  const attempts = (before?.attempts ?? 0) + (isAttempt ? 1 : 0);
  const isTooOften = isAttempt && attempts >= maxAttempts;
  // What was set aside and failed again, for whatever reason, stays so: a retry takes nothing for granted.
  const isQuarantined = isIdentified && (before?.isQuarantined === true || isTooOften);
  return { isAttempt, firstSeenAt: before?.firstSeenAt, attempts, isQuarantined };
}

function isItsOwnFault({ kind, cause, isServerWell, before }: FailureFacts): boolean {
  switch (kind) {
    case 'broken':
      return isServerWell;
    case 'refused':
      return cause.code === MESSAGE_GONE ? before?.lastErrorCode === MESSAGE_GONE : isForGood(cause);
    case 'unstored':
      return isForGood(cause);
  }
}

function isForGood({ scope, retry }: FailureFacts['cause']): boolean {
  return scope === 'message' && retry === 'never';
}
