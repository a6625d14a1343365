/**
 * What a Maildir notes in its journal: the keys of messages that may stand in it without a receipt. A batch's keys are
 * noted before its first file is renamed, and crossed out in the same transaction that records its receipts. So a clean
 * history never reads a folder, and after a crash only these few keys are looked for, wherever a reader has moved them.
 * The first batch of an account is not noted: where there is no journal all is looked at, which is what its keys would say.
 */
import type { JsonValue } from '../sink.ts';

/** `all`: whatever is there may be without a receipt, since the journal was lost. */
export type Unclaimed = ReadonlySet<string> | 'all';

/** A journal that is not there, or that is not ours to understand, says nothing about what is in the Maildir. */
export function parseUnclaimed(journal: JsonValue | undefined): Unclaimed {
  if (journal === null || typeof journal !== 'object' || !('unclaimed' in journal)) {
    return 'all';
  }
  const { unclaimed } = journal;
  return Array.isArray(unclaimed) ? new Set(unclaimed.filter((key) => typeof key === 'string')) : 'all';
}

export function formatUnclaimed(unclaimed: Unclaimed): JsonValue {
  return { unclaimed: unclaimed === 'all' ? unclaimed : [...unclaimed] };
}
