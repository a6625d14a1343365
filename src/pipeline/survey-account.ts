/**
 * What there is to do for one account, found without fetching a message: listing, classification, recognition by header
 * where unique-ids say nothing (or may have changed, or be used again), and the job's rules. `plan` ends here; `run` goes on from here.
 */
import type { AccountLedger, MessageRow, SkippedEntry } from '../ledger/ledger.ts';
import { headerDigest } from '../message/header-block.ts';
import { messageDate } from '../message/message-date.ts';
import type { Pop3Client } from '../pop3/client.ts';
import { classifyListing, type ReturningMessage, type WantedMessage } from './classify-listing.ts';
import type { SurveyContext } from './context.ts';
import { decideSelection, needsDate } from './decide-selection.ts';
import { findRenamed, type UidlSurvey } from './find-renamed.ts';
import { KnownIndex, type KnownMatch } from './known-index.ts';
import { type Listing, readListing } from './listing.ts';
import { type HeadedMessage, matchHeaders } from './match-headers.ts';
import { readHeaders } from './read-headers.ts';
import { type ResizedMessages, recogniseResized } from './recognise-resized.ts';
import type { RowsAhead } from './rows-ahead.ts';

export type KnownRows = Pick<AccountLedger, 'known' | 'rows' | 'rowsByHeader' | 'uidlChange'>;

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
  /** Rows in deletion whose message came back, by message number: unique-id, size and header agree. */
  readonly returned: ReadonlyMap<number, number>;
  /** Archived messages that the server's own fields have made larger: their rows are to follow the new sizes. */
  readonly resized: ResizedMessages['resized'];
  /** Whether unique-ids have changed, and what was recognised nevertheless. */
  readonly uidls: UidlSurvey;
}

export interface SurveyOptions {
  /** What `rows.known()` gives, where it was begun to be read and `onListed` changes nothing. */
  readonly known?: RowsAhead;
  /** Called before the listing is compared with the rows, which it may change. */
  readonly onListed?: (listing: Listing) => Promise<void>;
}

/** @param rows undefined where the ledger has nothing of the account yet. */
export async function surveyAccount(
  client: Pop3Client,
  account: string,
  rows: KnownRows | undefined,
  context: SurveyContext,
  { known, onListed }: SurveyOptions = {},
): Promise<Survey> {
  // Where rows may change once the listing is known, they are held against it only then.
  let early: KnownMatch | undefined;
  const see = (uidl: string): string => {
    early ??= known?.take().match();
    return early?.see(uidl) ?? uidl;
  };
  const listing = await readListing(client, see);
  await onListed?.(listing);
  for (const text of listing.warnings) {
    context.emit({ type: 'logged', level: 'warn', account, text });
  }
  const match = listing.isAligned ? early : undefined;
  const classified = classifyListing(listing.messages, match ?? matchOf(listing, rows), {
    isRetryingQuarantined: context.isRetryingQuarantined === true,
  });
  const { returned, doubtful } = await recogniseReturned(client, classified.returning, rows);
  const unknown =
    doubtful.length === 0
      ? classified.wanted
      : [...classified.wanted, ...doubtful].sort((a, b) => a.number - b.number);
  const { recognised, rest } = await recognise(client, unknown, rows);
  const { resized, rest: unrecognised } = await recogniseResized(client, rest, rows);
  const uidls = await findRenamed(client, listing, classified, unrecognised, rows);
  const { wanted, skipped } = await select(client, uidls.rest, context);
  const found = returned.size + recognised.length + resized.length + uidls.followed.length;
  return {
    listing,
    archivedBefore: classified.archivedBefore + found,
    quarantined: classified.quarantined,
    wanted,
    skipped,
    recognised,
    ambiguous: wanted.filter(({ kind }) => kind === 'ambiguous').length,
    returned,
    resized,
    uidls,
  };
}

function matchOf({ messages }: Listing, rows: KnownRows | undefined): KnownMatch {
  const match = KnownIndex.of(rows?.known() ?? []).match();
  for (const { uidl } of messages) {
    match.see(uidl);
  }
  return match;
}

/**
 * A message that was deleted shows again, or a new one has been given its unique-id and happens to be as large: the header
 * says which. Where it does not agree, or TOP is refused, the message is fetched and its octets say it.
 */
async function recogniseReturned(
  client: Pop3Client,
  returning: readonly ReturningMessage[],
  rows: KnownRows | undefined,
): Promise<{ returned: ReadonlyMap<number, number>; doubtful: readonly WantedMessage[] }> {
  const returned = new Map<number, number>();
  const doubtful: WantedMessage[] = [];
  const asked = returning.map(({ message, rowIds }) => ({ ...message, rowIds }));
  for await (const { message, header } of readHeaders(client, asked)) {
    const { rowIds, ...listed } = message;
    const headed = header === undefined ? [] : [{ message, headerSha256: headerDigest(header) }];
    const [match] = matchHeaders(headed, {
      rowsOf: (headerSha256) => rows?.rowsByHeader(headerSha256) ?? [],
      isSizeExact: true,
      canBe: ({ rowIds: ids }, { rowId }) => ids.includes(rowId),
    });
    if (match === undefined) {
      doubtful.push({ ...listed, kind: 'doubtful', rowId: rowIds.at(-1) });
    } else {
      returned.set(message.number, match.row.rowId);
    }
  }
  return { returned, doubtful };
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
  const headed: HeadedMessage<WantedMessage>[] = [];
  for await (const { message, header } of readHeaders(client, nameless)) {
    if (header !== undefined) {
      headed.push({ message, headerSha256: headerDigest(header) });
    }
  }
  const matches = matchHeaders(headed, {
    rowsOf: (headerSha256) => rows.rowsByHeader(headerSha256),
    isSizeExact: true,
    canBe: (_message, { uidl, isComplete }) => uidl === '' && isComplete,
  });
  const known = new Set(matches.map(({ message }) => message));
  return {
    recognised: matches.map(({ row }) => row),
    rest: wanted.filter((message) => !known.has(message)),
  };
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
