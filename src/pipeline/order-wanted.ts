/**
 * In which order messages are fetched: those that failed in an earlier run come last, so that they hold up nothing. Pure.
 */
import type { WantedMessage } from './classify-listing.ts';

export function orderWanted(wanted: readonly WantedMessage[]): readonly WantedMessage[] {
  const failed = wanted.filter(({ kind }) => kind === 'retry');
  return failed.length === 0 ? wanted : [...wanted.filter(({ kind }) => kind !== 'retry'), ...failed];
}
