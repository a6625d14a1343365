/**
 * The arithmetic of a run: what every account listed must be accounted for, once. Pure.
 */
import type { MailferryEvent } from '../pipeline/events.ts';
import { formatCount } from './format.ts';

export type AccountFinished = Extract<MailferryEvent, { type: 'account.finished' }>;
export type AccountWaiting = Extract<MailferryEvent, { type: 'account.waiting' }>;
export type RunFinished = Extract<MailferryEvent, { type: 'run.finished' }>;
/** What became of everything that was listed; the ledger's shape, known here through the events alone. */
export type Counts = AccountFinished['counts'];
export type Outcome = AccountFinished['outcome'];

/**
 * What is wrong with the counts of an account or a run, as one sentence; undefined where they add up:
 * listed = archived now + archived before + skipped + quarantined + failed, all whole and none negative.
 */
export function checkArithmetic(counts: Counts): string | undefined {
  const strange = Object.entries(counts).find(([, value]) => !Number.isSafeInteger(value) || value < 0);
  if (strange !== undefined) {
    return `the count "${strange[0]}" is ${strange[1]}, expected a whole number from 0`;
  }
  const { listed, archivedNow, archivedBefore, skipped, quarantined, failed, unreached } = counts;
  const sum = archivedNow + archivedBefore + skipped + quarantined + failed;
  if (sum !== listed) {
    return (
      `${formatCount(listed)} listed, but ${formatCount(archivedNow)} archived now + ` +
      `${formatCount(archivedBefore)} before + ${formatCount(skipped)} skipped + ` +
      `${formatCount(quarantined)} quarantined + ${formatCount(failed)} failed = ${formatCount(sum)}`
    );
  }
  return unreached > failed
    ? `${formatCount(unreached)} not reached, but only ${formatCount(failed)} failed in all`
    : undefined;
}

/** `trouble` must be seen by somebody, `news` is worth a line, `nothing` is the good quiet night. */
export type Weight = 'trouble' | 'news' | 'nothing';

export function weighAccount({ outcome, counts }: Pick<AccountFinished, 'outcome' | 'counts'>): Weight {
  const isWell = outcome === 'done' && counts.failed === 0 && counts.quarantined === 0;
  if (!isWell || checkArithmetic(counts) !== undefined) {
    return 'trouble';
  }
  return counts.archivedNow > 0 ? 'news' : 'nothing';
}
