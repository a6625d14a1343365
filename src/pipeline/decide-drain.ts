/**
 * Whether a maildrop may show more at a further login although all that it showed is archived: pure. Some servers show only a
 * window of the mailbox (Q14): Gmail the oldest messages that were not fetched yet, WildDuck the newest 250. A login
 * costs every other account for nothing, so it needs a sign.
 */

/** `auto`: where there is a sign. `always`: until a login yields nothing new. `never`: one listing is all there is. */
export type DrainPolicy = 'auto' | 'always' | 'never';

export interface DrainFacts {
  readonly policy: DrainPolicy;
  /** Messages that this session listed. */
  readonly listed: number;
  /** Of these, what was archived (or set aside, or left out by rule) before this run. */
  readonly settledBefore: number;
  /** Messages that this session archived, now or recognised by their octets. */
  readonly gained: number;
  /** Deletions that this session's QUIT committed. */
  readonly deleted: number;
  /** A further login of this run has shown messages that no session before it had. */
  readonly isProven: boolean;
}

/** A listing that is new from end to end may be a window only where it is as long as one: no server is known with a shorter one. */
const LEAST_WINDOW = 200;

/** A longer listing is no window: the largest that is known of shows 1000. */
const MOST_WINDOW = 1000;

/** Windows are round: 100, 250, 1000. */
const ROUND = 50;
const LEAST_ROUND_WINDOW = 100;

export function isDrainWorthwhile({
  policy,
  listed,
  settledBefore,
  gained,
  deleted,
  isProven,
}: DrainFacts): boolean {
  // What moves a window is fetching and deleting: after neither, the same would be shown again.
  if (policy === 'never' || gained + deleted === 0) {
    return false;
  }
  const isAllNew = settledBefore === 0 && listed >= LEAST_WINDOW;
  const isRound = listed >= LEAST_ROUND_WINDOW && listed % ROUND === 0;
  return policy === 'always' || isProven || (listed <= MOST_WINDOW && (isAllNew || isRound));
}
