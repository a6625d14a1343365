/**
 * What a listing says of messages that failed in earlier runs: one that is not listed any more was removed by somebody, or
 * lies outside of what the server shows just now. It is noted, never forgotten; what arrived of it may be all there is.
 */
import type { TroubledRow } from '../ledger/ledger.ts';
import { type AccountWork, log } from './account-work.ts';
import type { Listing } from './listing.ts';
import { listedRows } from './uidl-index.ts';

/** Unique-ids that are named in a warning. */
const NAMED = 5;

/** @param isFirst whether this is what the server shows of itself, and not the rest after earlier sessions of this run. */
export async function compareTroubled(
  listing: Listing,
  work: AccountWork,
  { isFirst }: { readonly isFirst: boolean },
): Promise<void> {
  const { source, rows, context } = work;
  const presence: { rowId: number; isListed: boolean }[] = [];
  const gone: TroubledRow[] = [];
  let isListedRow: ReturnType<typeof listedRows> | undefined;
  for (const row of rows.troubled()) {
    // Mostly nothing is in trouble.
    isListedRow ??= listedRows(listing);
    const isListed = isListedRow(row);
    if (isListed !== (row.unlistedAt === null) && (isListed || isFirst)) {
      presence.push({ rowId: row.rowId, isListed });
      if (!isListed && row.state === 'quarantined') {
        gone.push(row);
      }
    }
  }
  if (presence.length > 0) {
    await rows.record({ presence });
  }
  tellGone(gone, work);
  await context.quarantine.kept.discardOthers(source.id, rows.troubled());
}

function tellGone(gone: readonly TroubledRow[], work: AccountWork): void {
  if (gone.length > 0) {
    const uidls = gone.slice(0, NAMED).map(({ uidl }) => `"${uidl}"`);
    const named = [...uidls, ...(gone.length > NAMED ? ['…'] : [])].join(', ');
    log(
      work,
      'warn',
      `${gone.length} quarantined messages are not listed any more: ${named}; \`mailferry status\` shows what arrived of them`,
    );
  }
}
