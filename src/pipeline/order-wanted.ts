/**
 * In which order messages are fetched: those that failed in an earlier run come last, so that they hold up nothing. Pure.
 */
import type { WantedMessage } from './classify-listing.ts';

export function orderWanted(wanted: readonly WantedMessage[]): readonly WantedMessage[] {
  return wanted.toSorted((left, right) => Number(left.kind === 'retry') - Number(right.kind === 'retry'));
}
