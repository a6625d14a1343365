/**
 * Which archived messages may be deleted at the source, and why the others may not: one pure decision over all that is
 * known. It opens no gate by itself: what it names is checked once more against receipts and listing before DELE is sent.
 */

/** Rules of a job; what is undefined does not limit. Without rules nothing is ever deleted. */
export interface DeletionRules {
  /** Least time since the last sink proved that it holds the message. */
  readonly ageMs: number;
  /** Most messages of an account in one run, oldest first. */
  readonly max: number | undefined;
  /** Guard: is a larger share of the listing due, nothing is deleted. */
  readonly maxPercent: number | undefined;
  /** So many of the newest stay. */
  readonly keepNewest: number | undefined;
  /** What was first seen less than this ago stays. */
  readonly keepForMs: number | undefined;
  /** Oldest first, and only until the maildrop is not larger than this. */
  readonly keepBelowOctets: number | undefined;
}

/** A listed message and what the ledger knows of it. */
export interface DeletionCandidate {
  readonly number: number;
  readonly listedOctets: number | null;
  /** Undefined where the message is not archived in every sink. */
  readonly archived: ArchivedFacts | undefined;
}

export interface ArchivedFacts {
  readonly rowId: number;
  readonly firstSeenAt: number;
  /** When the last sink proved it; null where a receipt is not verified yet. */
  readonly verifiedAt: number | null;
  /** Has a unique-id of its own, or was fetched and proved in this very session. */
  readonly isIdentified: boolean;
}

export type Keeping =
  | 'unique-ids changed'
  | 'not archived'
  | 'ambiguous'
  | 'not verified'
  | 'keep.newest'
  | 'keep.for'
  | 'keep.below'
  | 'delete.age'
  | 'delete.max'
  | 'delete.maxPercent';

export interface DeletionDecision {
  /** To be deleted, oldest first. */
  readonly due: readonly DueMessage[];
  /** The others by message number, with the first rule that keeps each. */
  readonly kept: ReadonlyMap<number, Keeping>;
  /** The share of the listing that was due, where `maxPercent` forbids it. */
  readonly exceededPercent: number | undefined;
}

export type DueMessage = DeletionCandidate & { readonly archived: ArchivedFacts };

/** @param listing every message of the listing; the lower the number, the older. */
export function decideDeletions(
  listing: readonly DeletionCandidate[],
  rules: DeletionRules,
  now: number,
): DeletionDecision {
  const oldestFirst = [...listing].sort((a, b) => a.number - b.number);
  const kept = new Map<number, Keeping>();
  let octets = oldestFirst.reduce((sum, { listedOctets }) => sum + (listedOctets ?? 0), 0);
  const due: DueMessage[] = [];
  for (const [position, candidate] of oldestFirst.entries()) {
    const newer = oldestFirst.length - position - 1;
    const keeping = whyKeep(candidate, rules, now, newer, octets);
    if (keeping === undefined && isArchived(candidate)) {
      due.push(candidate);
      octets -= candidate.listedOctets ?? 0;
    } else {
      kept.set(candidate.number, keeping ?? 'not archived');
    }
  }
  return limit(due, kept, rules, listing.length);
}

function isArchived(candidate: DeletionCandidate): candidate is DueMessage {
  return candidate.archived !== undefined;
}

/** The first reason to keep a message, from what is known least to what is merely a wish. */
function whyKeep(
  { archived }: DeletionCandidate,
  rules: DeletionRules,
  now: number,
  newer: number,
  maildropOctets: number,
): Keeping | undefined {
  if (archived === undefined) {
    return 'not archived';
  }
  const { isIdentified, verifiedAt, firstSeenAt } = archived;
  if (!isIdentified) {
    return 'ambiguous';
  }
  if (verifiedAt === null) {
    return 'not verified';
  }
  if (rules.keepNewest !== undefined && newer < rules.keepNewest) {
    return 'keep.newest';
  }
  if (rules.keepForMs !== undefined && now - firstSeenAt < rules.keepForMs) {
    return 'keep.for';
  }
  // A clock that was set back makes an age negative: then the message stays.
  if (now - verifiedAt < rules.ageMs) {
    return 'delete.age';
  }
  if (rules.keepBelowOctets !== undefined && maildropOctets <= rules.keepBelowOctets) {
    return 'keep.below';
  }
  return undefined;
}

function limit(
  due: readonly DueMessage[],
  kept: Map<number, Keeping>,
  { max, maxPercent }: DeletionRules,
  listed: number,
): DeletionDecision {
  const percent = listed === 0 ? 0 : (100 * due.length) / listed;
  if (maxPercent !== undefined && percent > maxPercent) {
    return { due: [], kept: keepAll(kept, due, 'delete.maxPercent'), exceededPercent: percent };
  }
  const first = max === undefined ? due : due.slice(0, max);
  return {
    due: first,
    kept: keepAll(kept, due.slice(first.length), 'delete.max'),
    exceededPercent: undefined,
  };
}

function keepAll(
  kept: Map<number, Keeping>,
  messages: readonly DueMessage[],
  why: Keeping,
): Map<number, Keeping> {
  for (const { number } of messages) {
    kept.set(number, why);
  }
  return kept;
}
