/**
 * What there is to do for one account, found without fetching a message: listing, classification, recognition by header
 * where unique-ids say nothing, and the job's rules. `plan` ends here; `run` goes on from here.
 */
import type { AccountLedger, MessageRow, SkippedEntry } from '../ledger/ledger.ts';
import { headerDigest } from '../message/header-block.ts';
import { messageDate } from '../message/message-date.ts';
import type { Pop3Client } from '../pop3/client.ts';
import { classifyListing, type WantedMessage } from './classify-listing.ts';
import type { SurveyContext } from './context.ts';
import { decideSelection, needsDate } from './decide-selection.ts';
import { type Listing, readListing } from './listing.ts';
import { readHeaders } from './read-headers.ts';

export type KnownRows = Pick<AccountLedger, 'known' | 'rowsByHeader'>;

export interface Survey {
  readonly listing: Listing;
  readonly archivedBefore: number;
  readonly quarantined: number;
  /** To be fetched, in listing order. */
  readonly wanted: readonly WantedMessage[];
  readonly skipped: readonly SkippedEntry[];
  /** Rows of messages without a usable unique-id that were recognised by size and header; each stands for one message. */
  readonly recognised: readonly MessageRow[];
  /** Messages that have no identity by unique-id and were not recognised. */
  readonly ambiguous: number;
}

/**
 * @param rows undefined where the ledger has nothing of the account yet.
 * @param onListed called before the listing is compared with the rows, which it may change.
 */
export async function surveyAccount(
  client: Pop3Client,
  account: string,
  rows: KnownRows | undefined,
  context: SurveyContext,
  onListed?: (listing: Listing) => Promise<void>,
): Promise<Survey> {
  const listing = await readListing(client);
  await onListed?.(listing);
  for (const text of listing.warnings) {
    context.emit({ type: 'logged', level: 'warn', account, text });
  }
  const classified = classifyListing(listing.messages, rows?.known() ?? []);
  const { recognised, rest } = await recognise(client, classified.wanted, rows);
  const { wanted, skipped } = await select(client, rest, context);
  return {
    listing,
    archivedBefore: classified.archivedBefore + recognised.length,
    quarantined: classified.quarantined,
    wanted,
    skipped,
    recognised,
    ambiguous: wanted.filter(({ kind }) => kind === 'ambiguous').length,
  };
}

/** Finds messages without a unique-id among the archived ones by size and header, so that they are not fetched again. */
async function recognise(
  client: Pop3Client,
  wanted: readonly WantedMessage[],
  rows: KnownRows | undefined,
): Promise<{ recognised: MessageRow[]; rest: readonly WantedMessage[] }> {
  const nameless = wanted.filter(({ kind, uidl }) => kind === 'ambiguous' && uidl === '');
  if (rows === undefined || nameless.length === 0) {
    return { recognised: [], rest: wanted };
  }
  const recognised = new Map<WantedMessage, MessageRow>();
  const taken = new Set<number>();
  for await (const { message, header } of readHeaders(client, nameless)) {
    const candidates = header === undefined ? [] : rows.rowsByHeader(headerDigest(header));
    const row = candidates.find(
      ({ rowId, uidl, isComplete, listedOctets }) =>
        !taken.has(rowId) && uidl === '' && isComplete && listedOctets === message.listedOctets,
    );
    if (row !== undefined) {
      taken.add(row.rowId);
      recognised.set(message, row);
    }
  }
  return { recognised: [...recognised.values()], rest: wanted.filter((message) => !recognised.has(message)) };
}

async function select(
  client: Pop3Client,
  wanted: readonly WantedMessage[],
  { select: rules, now }: SurveyContext,
): Promise<{ wanted: readonly WantedMessage[]; skipped: SkippedEntry[] }> {
  const chosen: WantedMessage[] = [];
  const skipped: SkippedEntry[] = [];
  const decide = (message: WantedMessage, datedAt: number | null | undefined): void => {
    const rule = decideSelection(rules, { listedOctets: message.listedOctets, datedAt }, now());
    if (rule === undefined) {
      chosen.push(message);
    } else {
      const { uidl, listedOctets } = message;
      const rowId = message.kind === 'doubtful' ? undefined : message.rowId;
      skipped.push({ rowId, uidl, listedOctets, datedAt: datedAt ?? null, rule });
    }
  };
  if (!needsDate(rules)) {
    for (const message of wanted) {
      decide(message, undefined);
    }
    return { wanted: chosen, skipped };
  }
  for await (const { message, header } of readHeaders(client, wanted)) {
    decide(message, header === undefined ? null : (messageDate(header) ?? null));
  }
  return { wanted: chosen, skipped };
}
