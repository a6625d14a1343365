/**
 * What verification comes to: counts and verdicts, and the pure decisions over them.
 */
import type { Outcome } from '../ledger/ledger.ts';

/**
 * `missing`, `changed`: a receipt is not kept. `unreadable`: there is something, and the disk does not give it. `extra`: no
 * receipt names it.
 */
export type Difference = 'missing' | 'changed' | 'unreadable' | 'extra';

/** As an outcome; `different`: something is missing, changed or extra. */
export type Verdict = Outcome | 'different';

/** `read` = intact + missing + changed + unreadable. */
export interface VerifiedCounts {
  /** Receipts of the account in the sinks of the job, chosen or not. */
  readonly receipts: number;
  /** Those that were compared with the sink. */
  readonly read: number;
  readonly intact: number;
  readonly missing: number;
  readonly changed: number;
  readonly unreadable: number;
  readonly extra: number;
  /** Octets that the messages that were read take in the sinks. */
  readonly octets: number;
}

export const NOTHING_VERIFIED: VerifiedCounts = {
  receipts: 0,
  read: 0,
  intact: 0,
  missing: 0,
  changed: 0,
  unreadable: 0,
  extra: 0,
  octets: 0,
};

/** From bad to good, as exit codes go. */
const FROM_WORST = [
  'unexpected',
  'interrupted',
  'different',
  'failed',
  'waiting',
  'done',
] as const satisfies readonly Verdict[];

export function worstVerdict(verdicts: Iterable<Verdict>): Verdict {
  const present = new Set(verdicts);
  return FROM_WORST.find((verdict) => present.has(verdict)) ?? 'done';
}

export function verdictOfCounts({ missing, changed, extra, unreadable }: VerifiedCounts): Verdict {
  if (missing + changed + extra > 0) {
    return 'different';
  }
  return unreadable > 0 ? 'failed' : 'done';
}

export function addVerified(a: VerifiedCounts, b: VerifiedCounts): VerifiedCounts {
  return {
    receipts: a.receipts + b.receipts,
    read: a.read + b.read,
    intact: a.intact + b.intact,
    missing: a.missing + b.missing,
    changed: a.changed + b.changed,
    unreadable: a.unreadable + b.unreadable,
    extra: a.extra + b.extra,
    octets: a.octets + b.octets,
  };
}
