/**
 * What a run does where unique-ids have changed: rows follow the new ones in one transaction, the change is told, and it counts
 * as settled once a session has come to everything that it listed. Until then each session compares what it fetches with
 * the rows that are not listed, so a run that is killed half-way ends as an undisturbed one.
 */
import type { RelistedEntry } from '../ledger/ledger.ts';
import { type AccountWork, log } from './account-work.ts';
import type { UidlSurvey } from './find-renamed.ts';

/** What becomes of the rows that were recognised by their headers: the n-th of equal messages is copy n. */
function toRelisted({ followed }: UidlSurvey): RelistedEntry[] {
  const copies = new Map<string, number>();
  return followed.map(({ message, row }) => {
    const { uidl, listedOctets } = message;
    const key = `${row.sha256 ?? ''} ${uidl}`;
    const copy = copies.get(key) ?? 0;
    copies.set(key, copy + 1);
    return {
      rowId: row.rowId,
      uidl,
      listedOctets,
      copy,
      replaces: message.rowId === row.rowId ? undefined : emptyRow(message),
    };
  });
}

/** A row that was made when the message failed under its new unique-id holds nothing. */
function emptyRow({ kind, rowId }: UidlSurvey['followed'][number]['message']): number | undefined {
  return kind === 'retry' ? rowId : undefined;
}

/** Records that rows follow their messages, and tells it. */
export async function followUidls(
  { uidls }: Pick<{ uidls: UidlSurvey }, 'uidls'>,
  work: AccountWork,
): Promise<void> {
  const { kind, followed, rest } = uidls;
  if (kind === 'changed' || kind === 'possible') {
    work.uidls.isChanged = true;
    log(work, 'warn', changeText(uidls, rest.length));
  }
  if (followed.length > 0) {
    await work.rows.record({
      relisted: toRelisted(uidls),
      uidlChange: { followed: followed.length, isSettled: false },
    });
  }
}

/** @param left messages that are to be fetched and compared. */
export function changeText({ kind, reason, followed }: UidlSurvey, left: number): string {
  const what =
    kind === 'changed'
      ? 'the server gives messages other unique-ids than before; was it moved?'
      : 'the server may have given its messages other unique-ids; was it moved?';
  return (
    `${what} (${reason}) ${followed.length} are recognised by size and header, ` +
    `${left} are fetched and compared; nothing is stored twice, and nothing is deleted in this run`
  );
}

/** Told at the first message that its octets show to be an archived one, where headers showed none. */
export function noteRenamed(count: number, work: AccountWork): void {
  if (count > 0 && !work.uidls.isChanged) {
    work.uidls.isChanged = true;
    log(
      work,
      'warn',
      `the server gives messages other unique-ids than before; was it moved? ${count} are recognised by their octets, and more may be; nothing is stored twice, and nothing is deleted in this run`,
    );
  }
}

/** @param isAllCompared the session came to every message that it wanted, and each is archived. */
export async function settleUidls(isAllCompared: boolean, { rows }: AccountWork): Promise<void> {
  if (isAllCompared && rows.uidlChange()?.settledAt === null) {
    await rows.record({ uidlChange: { followed: 0, isSettled: true } });
  }
}
