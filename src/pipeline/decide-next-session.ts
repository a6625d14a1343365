/**
 * Whether an account needs another session in this run, and how it is opened: pure. It must not know connections, clocks or
 * the ledger.
 *
 * - A session that broke is followed by another. The message at which it broke is asked for first and alone there: comes it
 *   whole, the line or the pipelining was to blame; does the session break again, the message is, and the rest is fetched
 *   without it (promise 10). Numbers are read anew each time (RFC 1939 §4, §7).
 * - A session that has spent its budget ended in order, and the next goes on.
 * - A server that shows a window of the mailbox is asked again until it shows nothing new (decide-drain.ts).
 *
 * Each session must have come further, or rule something out; and there are never more than so many of them.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { ReceivedPart } from '../message/received-part.ts';
import { ConnectionError, ProtocolError } from '../pop3/errors.ts';
import type { WantedMessage } from './classify-listing.ts';
import { type DrainPolicy, isDrainWorthwhile } from './decide-drain.ts';
import { judgePipelining, type PipeliningState } from './decide-pipelining.ts';

/** What a session came to, however it ended. */
export interface SessionYield {
  /** Messages that it listed; of these, what was settled before this run. */
  readonly listed: number;
  readonly settledBefore: number;
  /** Messages archived, now or recognised by their octets. */
  readonly gained: number;
  /** Messages that failed by themselves. */
  readonly failed: number;
  /** Deletions that QUIT committed. */
  readonly deleted: number;
}

export type SessionEnd = SessionYield &
  (
    | {
        /** `complete`: all that was wanted was asked for. `spent`: its budget was. Both ended with QUIT. */
        readonly kind: 'complete' | 'spent';
      }
    /** The day's budget is spent; it ended with QUIT. */
    | { readonly kind: 'day-spent'; readonly cause: MailferryError }
    /** The connection broke, or the server the protocol; what was whole by then is archived and recorded. */
    | {
        readonly kind: 'broken';
        readonly cause: ConnectionError | ProtocolError;
        /** The message at which it broke: it was asked for, and its answer did not come whole. */
        readonly at: WantedMessage | undefined;
        /** What came of it. */
        readonly part?: ReceivedPart | undefined;
        readonly answersAhead: number;
        readonly lostAhead: number;
        /** It broke while headers were asked for. */
        readonly isAtTop?: boolean;
      }
  );

/** How a session is opened, and what its account has been through in this run. */
export interface SessionPlan {
  /** From 1. */
  readonly session: number;
  /** Why there is this one. */
  readonly why: 'first' | 'broken' | 'budget' | 'drain';
  readonly pipelining: PipeliningState;
  /** Asked for first and alone: a session broke at it. */
  readonly suspect: WantedMessage | undefined;
  readonly broken: number;
  /** Sessions in a row that broke without having come further. */
  readonly fruitless: number;
  /** Sessions that broke at TOP; after two it is not asked any more, as if the server refused it (Q33). */
  readonly topBreaks: number;
  /** A further login has shown new messages. */
  readonly isDrainProven: boolean;
}

export interface SessionCircumstances {
  readonly drain: DrainPolicy;
  /** The run was interrupted. */
  readonly isStopping: boolean;
}

export type NextSession =
  /** The account is done. */
  | { readonly kind: 'none' }
  /** The account ends with this reason. */
  | { readonly kind: 'stop'; readonly cause: Error }
  | {
      readonly kind: 'again';
      readonly plan: SessionPlan;
      /** A message that has failed by itself: it is left out from here on. */
      readonly ruledOut: WantedMessage | undefined;
    };

/** More are never opened for one account in one run: the next run goes on. */
export const MAX_SESSIONS = 1_000;
/** Of these, broken ones; a server that breaks so often is broken. */
export const MAX_BROKEN = 100;
/** Of these, one after the other without coming further. */
export const MAX_FRUITLESS = 10;
/** One may have been the line. */
export const MAX_TOP_BREAKS = 2;

export function firstSession(pipelining: PipeliningState): SessionPlan {
  return {
    session: 1,
    why: 'first',
    pipelining,
    suspect: undefined,
    broken: 0,
    fruitless: 0,
    topBreaks: 0,
    isDrainProven: false,
  };
}

export function decideNextSession(
  plan: SessionPlan,
  end: SessionEnd,
  { drain, isStopping }: SessionCircumstances,
): NextSession {
  switch (end.kind) {
    case 'day-spent':
      return { kind: 'stop', cause: end.cause };
    case 'broken':
      return isStopping ? { kind: 'stop', cause: end.cause } : decideAfterBreak(plan, end);
    case 'spent':
      return isStopping ? { kind: 'none' } : goOn(plan, end, 'budget');
    case 'complete': {
      const isProven = isDrainProven(plan, end);
      const isWorthwhile = isDrainWorthwhile({ policy: drain, ...end, isProven });
      return isStopping || !isWorthwhile ? { kind: 'none' } : goOn(plan, end, 'drain');
    }
  }
}

function goOn(plan: SessionPlan, end: SessionEnd, why: 'budget' | 'drain'): NextSession {
  if (plan.session >= MAX_SESSIONS || end.gained + end.failed + end.deleted === 0) {
    return { kind: 'stop', cause: tooManySessions(plan.session) };
  }
  const { pipelining, broken, topBreaks } = plan;
  const session = plan.session + 1;
  const next = { session, why, pipelining, suspect: undefined, broken, fruitless: 0, topBreaks };
  return {
    kind: 'again',
    plan: { ...next, isDrainProven: isDrainProven(plan, end) },
    ruledOut: undefined,
  };
}

function decideAfterBreak(plan: SessionPlan, end: Extract<SessionEnd, { kind: 'broken' }>): NextSession {
  const pipelining = judgePipelining(plan.pipelining, end);
  const isRuledOut = end.at !== undefined && plan.suspect !== undefined && isSame(end.at, plan.suspect);
  const suspect = isRuledOut ? undefined : end.at;
  const isFurther = end.gained + end.failed > 0;
  const isOtherWay =
    pipelining.kind === 'blamed' && plan.pipelining.kind !== 'blamed' && !pipelining.isDoubted;
  const isAtTop = end.isAtTop === true;
  const isWorthwhile = isFurther || end.at !== undefined || isOtherWay || isAtTop;
  const topBreaks = plan.topBreaks + (isAtTop ? 1 : 0);
  const broken = plan.broken + 1;
  const fruitless = isFurther ? 0 : plan.fruitless + 1;
  if (!isWorthwhile || plan.session >= MAX_SESSIONS || broken >= MAX_BROKEN || fruitless >= MAX_FRUITLESS) {
    return { kind: 'stop', cause: end.cause };
  }
  const session = plan.session + 1;
  const next = { session, why: 'broken', pipelining, suspect, broken, fruitless, topBreaks } as const;
  return {
    kind: 'again',
    plan: { ...next, isDrainProven: isDrainProven(plan, end) },
    ruledOut: isRuledOut ? end.at : undefined,
  };
}

function isDrainProven(plan: SessionPlan, { gained }: SessionYield): boolean {
  return plan.isDrainProven || (plan.why === 'drain' && gained > 0);
}

/** Whether another session may do better: the connection broke, or the server lost count. */
export function canBreakAgain(cause: unknown): cause is ConnectionError | ProtocolError {
  return (
    cause instanceof ProtocolError ||
    (cause instanceof ConnectionError && (cause.failure === 'closed' || cause.failure === 'silent'))
  );
}

/** Numbers are valid in one session only. */
export function isSame(one: WantedMessage, other: WantedMessage): boolean {
  return one.uidl === other.uidl && one.listedOctets === other.listedOctets;
}

function tooManySessions(sessions: number): MailferryError {
  return new MailferryError(`the maildrop is not done after ${sessions} sessions in this run`, {
    code: 'account-sessions',
    scope: 'account',
    retry: 'later',
    hint: 'the next run goes on; raise `limits.bytesPerSession` and `limits.messagesPerSession` where they are small',
  });
}
