/**
 * Fetching again what a sink has lost: every receipt is read back before the session, and what is missing or changed, and
 * is still listed, is taken out of the ledger, so that the ordinary run fetches it and stores it where it lacks. What the server
 * does not list any more keeps its receipts: it is told, and `verify` goes on telling it.
 *
 * Killed between two steps: what was set aside and not forgotten is missing at the next reading; what was forgotten is
 * fetched by any run. Nothing that is known to be lost is deleted at the source in the same run.
 */
import type { MessageRow } from '../ledger/ledger.ts';
import { isInDeletion } from '../ledger/states.ts';
import type { Sink } from '../sink/sink.ts';
import { type AccountWork, log } from './account-work.ts';
import type { Listing } from './listing.ts';
import { ProgressMeter } from './progress-meter.ts';
import { listedRows } from './uidl-index.ts';
import { compareReceipts } from './verify-receipts.ts';

/** Rows that are looked at, and taken back, together. */
const GROUP = 500;
/** Unique-ids that are named in a warning. */
const NAMED = 5;

/** The rows of which a sink does not hold what its receipts say, by sink: numbers only, since it may be all of them. */
export type LostRows = ReadonlyMap<Sink, readonly number[]>;

/** Reads back every receipt of the account. @throws MailferryError where a sink cannot be asked. */
export async function findLost({ source, context, rows }: AccountWork): Promise<LostRows> {
  const { sinks, emit, now, stopSignal } = context;
  const lost = new Map<Sink, number[]>();
  const meter = new ProgressMeter(source.id, context);
  const byName = new Map(sinks.map((sink) => [sink.name, sink]));
  const archives = rows.archives().filter(({ sink }) => byName.has(sink));
  const receipts = archives.reduce((sum, archive) => sum + archive.receipts, 0);
  const octets = archives.reduce((sum, archive) => sum + archive.storedOctets, 0);
  emit({ type: 'account.counted', account: source.id, receipts, octets });
  for (const archive of archives) {
    const sink = byName.get(archive.sink);
    if (sink === undefined) {
      continue;
    }
    const journal = rows.journal(sink.name);
    const reader = await sink.openReader({ accountId: source.id, root: archive.root, journal });
    const ids = lost.get(sink) ?? [];
    lost.set(sink, ids);
    try {
      const compared = compareReceipts(reader, rows.receiptsIn(archive), { now, signal: stopSignal });
      for await (const { recorded, found } of compared) {
        meter.add(1, recorded.receipt.storedOctets);
        if (found.kind === 'missing' || found.kind === 'changed') {
          ids.push(recorded.rowId);
        }
      }
    } finally {
      await reader.close();
    }
  }
  context.failpoint('refetch.compared');
  return lost;
}

/** Makes the ordinary run fetch what is lost and listed. */
export async function takeBackLost(lost: LostRows, listing: Listing, work: AccountWork): Promise<void> {
  if (lost.size === 0) {
    return;
  }
  const isListed = listedRows(listing);
  for (const [sink, ids] of lost) {
    const gone: MessageRow[] = [];
    let taken = 0;
    for (let start = 0; start < ids.length; start += GROUP) {
      const group = work.rows.rows(ids.slice(start, start + GROUP));
      const listed = group.filter(isListed);
      gone.push(...group.filter((row) => !isListed(row)).slice(0, Math.max(0, NAMED - gone.length)));
      taken += listed.length;
      await takeBack(sink, listed, work);
    }
    tell(sink, taken, ids.length - taken, gone, work);
  }
}

/** A row in deletion that is listed has come back: it is no longer in deletion, and must not be deleted while a sink lacks it. */
async function takeBack(
  sink: Sink,
  listed: readonly MessageRow[],
  { source, rows, context }: AccountWork,
): Promise<void> {
  const { failpoint } = context;
  const rowIds = listed.map(({ rowId }) => rowId);
  if (rowIds.length === 0) {
    return;
  }
  const archive = await sink.openArchive(source, rows.journal(sink.name));
  try {
    const placed = rowIds.flatMap((rowId) => rows.receipts(rowId).get(sink.name) ?? []);
    const here = placed.filter(({ root }) => root === archive.root);
    await archive.setAside?.(here.map(({ receipt }) => receipt));
  } finally {
    await archive.close();
  }
  failpoint('refetch.set-aside');
  const returned = listed.filter(({ state }) => isInDeletion(state)).map(({ rowId }) => rowId);
  await rows.move(returned, 'return');
  failpoint('refetch.returned');
  await rows.forgetReceipts(rowIds, sink.name);
  failpoint('refetch.forgotten');
}

function tell(
  sink: Sink,
  taken: number,
  left: number,
  named: readonly MessageRow[],
  work: AccountWork,
): void {
  if (taken > 0) {
    log(work, 'warn', `${sink.name} does not hold ${taken} messages as it should: they are fetched again`);
  }
  if (left > 0) {
    const uidls = named.map(({ uidl }) => `"${uidl}"`).join(', ');
    log(
      work,
      'warn',
      `${sink.name} has lost ${left} messages that are not on the server any more: ${uidls}${left > named.length ? ', …' : ''}; look for a backup`,
    );
    work.outcomes.add('failed');
  }
}
