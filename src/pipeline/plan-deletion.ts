/**
 * What a run would delete at the source, and why the rest would stay: the decision of decide-deletion.ts, over what a run
 * would know once it has fetched and proved what it is going to. It asks nothing and changes nothing.
 */
import type { AccountReader } from '../ledger/ledger.ts';
import { ambiguousNumbers, matchArchived, type WantedMessage } from './classify-listing.ts';
import { type ArchivedFacts, type DeletionRules, decideDeletions, type Keeping } from './decide-deletion.ts';
import type { Survey } from './survey-account.ts';

/** What a run does with a message before it deletes it. */
export type BeforeDeletion = 'nothing' | 'proved' | 'fetched and proved';

interface PlannedMessage {
  readonly number: number;
  readonly uidl: string;
  readonly listedOctets: number | null;
}

export interface DeletionPlan {
  /** Would be deleted, oldest first. */
  readonly due: readonly (PlannedMessage & { readonly first: BeforeDeletion })[];
  /** Would stay, with the first rule that keeps each. */
  readonly kept: readonly (PlannedMessage & { readonly why: Keeping })[];
  readonly keptBy: Readonly<Partial<Record<Keeping, number>>>;
  /** The share of the listing that is due, where `maxPercent` forbids it. */
  readonly exceededPercent: number | null;
}

export type DeletionRows = Pick<AccountReader, 'known' | 'rows'>;

type PlannedSurvey = Pick<Survey, 'listing' | 'wanted' | 'returned' | 'resized' | 'uidls'>;

interface Foreseen {
  readonly facts: ArchivedFacts;
  readonly first: BeforeDeletion;
}

/** @param rows undefined where the ledger has nothing of the account yet. */
export function planDeletions(
  survey: PlannedSurvey,
  rows: DeletionRows | undefined,
  rules: DeletionRules,
  now: number,
): DeletionPlan {
  const { listing, uidls } = survey;
  if (uidls.kind === 'changed' || uidls.kind === 'possible') {
    return keepAll(survey);
  }
  const foreseen = foresee(survey, rows, now);
  const ambiguous = ambiguousNumbers(listing);
  const candidates = listing.messages.map(({ number, listedOctets }) => ({
    number,
    listedOctets,
    archived: foreseen.get(number)?.facts ?? (ambiguous.has(number) ? unidentified(now) : undefined),
  }));
  const decision = decideDeletions(candidates, rules, now);
  const byNumber = new Map(listing.messages.map((message) => [message.number, message]));
  const keptBy: Partial<Record<Keeping, number>> = {};
  const kept = listing.messages.flatMap((message) => {
    const why = decision.kept.get(message.number);
    if (why === undefined) {
      return [];
    }
    keptBy[why] = (keptBy[why] ?? 0) + 1;
    return [{ ...message, why }];
  });
  const due = decision.due.flatMap(({ number }) => {
    const message = byNumber.get(number);
    return message === undefined ? [] : [{ ...message, first: foreseen.get(number)?.first ?? 'nothing' }];
  });
  return { due, kept, keptBy, exceededPercent: decision.exceededPercent ?? null };
}

/** Where unique-ids have changed a run deletes nothing. */
function keepAll({ listing: { messages } }: PlannedSurvey): DeletionPlan {
  const why = 'unique-ids changed';
  const kept = messages.map((message) => ({ ...message, why }) as const);
  return { due: [], kept, keptBy: { [why]: kept.length }, exceededPercent: null };
}

/** What will be known of each message by the time that a run decides: its proofs, if all goes well. */
function foresee(
  { listing, wanted, returned, resized }: PlannedSurvey,
  rows: DeletionRows | undefined,
  now: number,
): ReadonlyMap<number, Foreseen> {
  // Without unique-ids a message has an identity in the session that fetches it, and in no other.
  const fetched = wanted.filter(({ kind }) => kind !== 'ambiguous' || !listing.hasUidl);
  const archived = rows !== undefined && listing.hasUidl ? matchArchived(listing, rows.known()) : [];
  const regrown = resized.map(({ message, row }) => [message.number, row.rowId] as const);
  return new Map([
    ...fetched.map((message) => [message.number, afterFetching(message, rows, now)] as const),
    ...[...archived, ...returned, ...regrown].map(
      ([number, rowId]) => [number, afterProving(rowId, rows, now)] as const,
    ),
  ]);
}

function afterFetching(
  { kind, rowId = 0 }: WantedMessage,
  rows: DeletionRows | undefined,
  now: number,
): Foreseen {
  const row = kind === 'retry' ? rows?.rows([rowId])[0] : undefined;
  const firstSeenAt = row?.firstSeenAt ?? now;
  return { facts: { rowId, firstSeenAt, verifiedAt: now, isIdentified: true }, first: 'fetched and proved' };
}

function afterProving(rowId: number, rows: DeletionRows | undefined, now: number): Foreseen {
  const row = rows?.rows([rowId])[0];
  const verifiedAt = row?.verifiedAt ?? null;
  return {
    facts: { rowId, firstSeenAt: row?.firstSeenAt ?? now, verifiedAt: verifiedAt ?? now, isIdentified: true },
    first: verifiedAt === null ? 'proved' : 'nothing',
  };
}

/** Archived or not: it cannot be told from others, and stays. */
function unidentified(now: number): ArchivedFacts {
  return { rowId: 0, firstSeenAt: now, verifiedAt: null, isIdentified: false };
}
