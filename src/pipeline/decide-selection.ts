/**
 * Whether the rules of a job want a message: a pure decision over its size and date. What cannot be judged is wanted: a rule
 * must never lose a message because its date is unreadable.
 */
import type { SelectRules } from './context.ts';

export interface SelectionFacts {
  /** Size by LIST; null where unknown. */
  readonly listedOctets: number | null;
  /** The message's date in milliseconds since 1970; null where unreadable, undefined where it was not asked for. */
  readonly datedAt: number | null | undefined;
}

/** Whether the rules ask for the date, which costs a TOP for each message. */
export function needsDate({ olderThanMs, newerThanMs }: SelectRules): boolean {
  return olderThanMs !== undefined || newerThanMs !== undefined;
}

/** The rule that leaves the message out, in the job's words; undefined where it is wanted. */
export function decideSelection(rules: SelectRules, facts: SelectionFacts, now: number): string | undefined {
  const { listedOctets, datedAt } = facts;
  if (listedOctets !== null) {
    if (rules.largerThanOctets !== undefined && listedOctets <= rules.largerThanOctets) {
      return 'select.largerThan';
    }
    if (rules.smallerThanOctets !== undefined && listedOctets >= rules.smallerThanOctets) {
      return 'select.smallerThan';
    }
  }
  if (datedAt !== null && datedAt !== undefined) {
    if (rules.olderThanMs !== undefined && now - datedAt < rules.olderThanMs) {
      return 'select.olderThan';
    }
    if (rules.newerThanMs !== undefined && now - datedAt > rules.newerThanMs) {
      return 'select.newerThan';
    }
  }
  return undefined;
}
