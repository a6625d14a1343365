/**
 * Whether commands are sent ahead of answers at a host: pure. Servers announce PIPELINING and then mix up answers, lose
 * commands or hang up (Q49, Q50). A message that is bad by itself breaks a session just so, and must not be taken for that,
 * nor the other way round: so the message at which a session broke is asked for alone by the next session.
 *
 * - `trusted`: as the server announces.
 * - `blamed`: a session broke at commands that were sent ahead. The next ones go without. Goes one through to its end, that
 *   is remembered for the host; does it break as well, pipelining was not the cause, and is `trusted` again.
 * - `avoided`: the ledger remembers the host.
 */
import { ProtocolError } from '../pop3/errors.ts';

export interface PipeliningState {
  readonly kind: 'trusted' | 'blamed' | 'avoided';
  /** What broke, where it is blamed. */
  readonly reason: string;
  /** A session without pipelining broke as well: nothing is remembered from this run. */
  readonly isDoubted: boolean;
  /** Sessions that were lost although pipelining had worked in them. */
  readonly lateLosses: number;
}

/** What is known of a session that broke. */
export interface BrokenPipelining {
  readonly cause: Error;
  readonly answersAhead: number;
  readonly lostAhead: number;
}

/** So long a host's trouble counts; then pipelining is tried again, since servers are mended. */
export const TROUBLE_LASTS_MS = 30 * 86_400_000;

/** So many answers to commands that were sent ahead show that a server can: what it breaks by then may be the line. */
const TRUSTED_ANSWERS = 16;

export function decidePipelining(noticedAt: number | undefined, now: number): PipeliningState {
  // A clock that was set back must not make the trouble last for ever.
  const isAvoided = noticedAt !== undefined && Math.abs(now - noticedAt) < TROUBLE_LASTS_MS;
  return { kind: isAvoided ? 'avoided' : 'trusted', reason: '', isDoubted: false, lateLosses: 0 };
}

/** What to think of pipelining after a session that broke. */
export function judgePipelining(state: PipeliningState, broken: BrokenPipelining): PipeliningState {
  if (state.kind === 'blamed') {
    return { ...state, kind: 'trusted', isDoubted: true };
  }
  if (state.kind === 'avoided' || !isInvolved(broken)) {
    return state;
  }
  const isLate = !(broken.cause instanceof ProtocolError) && broken.answersAhead >= TRUSTED_ANSWERS;
  if (isLate && state.lateLosses === 0) {
    return { ...state, lateLosses: 1 };
  }
  return { ...state, kind: 'blamed', reason: broken.cause.message };
}

function isInvolved({ cause, lostAhead }: BrokenPipelining): boolean {
  return lostAhead > 0 || (cause instanceof ProtocolError && cause.code === 'pop3-interleaved');
}
