/**
 * What an account and a run came to: pure decisions over graded failures. An outcome is the worst of what happened.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { Outcome } from '../ledger/ledger.ts';

/** From bad to good: with several, the first one is told. */
const FROM_WORST = [
  'unexpected',
  'interrupted',
  'failed',
  'waiting',
  'done',
] as const satisfies readonly Outcome[];

export function worstOutcome(outcomes: Iterable<Outcome>): Outcome {
  const present = new Set(outcomes);
  return FROM_WORST.find((outcome) => present.has(outcome)) ?? 'done';
}

/** A failure that nobody graded is a defect of ours. */
export function outcomeOfFailure(cause: unknown): Outcome {
  if (!(cause instanceof MailferryError)) {
    return 'unexpected';
  }
  if (cause.code === 'connection-aborted' || cause.code === 'interrupted') {
    return 'interrupted';
  }
  return cause.retry === 'never' ? 'failed' : 'waiting';
}
