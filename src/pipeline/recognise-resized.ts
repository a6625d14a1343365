/**
 * Archived messages that show under their own unique-id and another size because the server's mail store has written fields of its
 * own into them (GNU mailutils adds X-UIDL, X-UID and Status while it serves them): found by TOP, so that they are not stored
 * again in another form.
 */
import type { AccountLedger, MessageRow } from '../ledger/ledger.ts';
import { headerDigest, storeFieldOctets } from '../message/header-block.ts';
import type { Pop3Client } from '../pop3/client.ts';
import { type AccountWork, log } from './account-work.ts';
import type { WantedMessage } from './classify-listing.ts';
import type { HeaderMatch } from './match-headers.ts';
import { readHeaders } from './read-headers.ts';

/** Rows whose message has another listed size now, and what is left to be fetched. */
export interface ResizedMessages {
  readonly resized: readonly HeaderMatch<WantedMessage>[];
  readonly rest: readonly WantedMessage[];
}

export async function recogniseResized(
  client: Pop3Client,
  wanted: readonly WantedMessage[],
  rows: Pick<AccountLedger, 'rows'> | undefined,
): Promise<ResizedMessages> {
  const rowOf = new Map<WantedMessage, MessageRow>();
  for (const message of wanted) {
    const [row] = message.kind === 'doubtful' ? (rows?.rows([message.rowId ?? -1]) ?? []) : [];
    if (row !== undefined && canBeResized(row)) {
      rowOf.set(message, row);
    }
  }
  const resized = new Map<WantedMessage, MessageRow>();
  for await (const { message, header } of readHeaders(client, [...rowOf.keys()])) {
    const row = rowOf.get(message);
    if (row !== undefined && header !== undefined && isResized(message, header, row)) {
      resized.set(message, row);
    }
  }
  return {
    resized: [...resized].map(([message, row]) => ({ message, row })),
    rest: wanted.filter((message) => !resized.has(message)),
  };
}

function canBeResized({ isComplete, state }: MessageRow): boolean {
  return isComplete && (state === 'archived' || state === 'verified');
}

/** The header is the archived one but for the store's fields, and these account for the difference in size. */
export function isResized(
  { listedOctets }: Pick<WantedMessage, 'listedOctets'>,
  header: Buffer,
  { headerSha256, octets }: Pick<MessageRow, 'headerSha256' | 'octets'>,
): boolean {
  if (listedOctets === null || octets === null || headerSha256 !== headerDigest(header)) {
    return false;
  }
  return Math.abs(listedOctets - octets) <= storeFieldOctets(header);
}

/** Records the sizes that the server lists now, so that the next run need not ask. */
export async function followSizes(
  { resized }: Pick<ResizedMessages, 'resized'>,
  work: AccountWork,
): Promise<void> {
  if (resized.length > 0) {
    const relisted = resized.map(({ message: { uidl, listedOctets }, row: { rowId } }) => {
      return { rowId, uidl, listedOctets };
    });
    await work.rows.record({ relisted });
    log(
      work,
      'info',
      `the server has written fields of its own into ${resized.length} archived messages (X-UIDL, Status and the like); they are not fetched again`,
    );
  }
}
