/**
 * Deletion as part of an account's run: what earlier runs asked for is compared with this listing, what may go now is
 * deleted, and QUIT commits it.
 */
import { passWhile } from '../errors/failpoint.ts';
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import { isInDeletion } from '../ledger/states.ts';
import type { Pop3Client } from '../pop3/client.ts';
import { ConnectionError } from '../pop3/errors.ts';
import { type AccountWork, log } from './account-work.ts';
import type { Archiver } from './archive-batch.ts';
import { outcomeOfFailure } from './decide-outcome.ts';
import { deleteArchived } from './delete-batch.ts';
import type { FetchResult } from './fetch-and-archive.ts';
import { confirmedDeletions } from './reconcile-deletions.ts';
import type { Survey } from './survey-account.ts';

/** Rows whose DELE was answered +OK in this session; QUIT is still to come. */
export interface PendingDeletions {
  readonly rowIds: readonly number[];
  readonly kept: Readonly<Record<string, number>>;
}

/** Longest wait for the answer to a QUIT that deletes nothing: it tells nothing that the run needs, and some servers give none. */
const QUIT_ANSWER_MS = 10_000;

const NO_DELETIONS: PendingDeletions = { rowIds: [], kept: {} };

/** Moves on what earlier runs asked to delete: gone is `deleted`; what shows again is deleted again, not fetched again. */
export async function reconcile(survey: Survey, work: AccountWork): Promise<void> {
  if (work.context.deletion === undefined) {
    return;
  }
  const { listing, recognised, returned: back } = survey;
  const nameless = recognised.filter(({ state }) => isInDeletion(state)).map(({ rowId }) => rowId);
  const returned = [...nameless, ...back.values()];
  // Where unique-ids have changed, that one is gone says nothing: the next run will know.
  if (!work.uidls.isChanged) {
    const confirmed = confirmedDeletions(listing, work.rows.known(), new Set(returned));
    await work.rows.move(confirmed, 'confirmDeletion');
  }
  await work.rows.move(returned, 'return');
  if (returned.length > 0) {
    log(
      work,
      'warn',
      `${returned.length} messages that were deleted are on the server again; it may keep or restore them`,
    );
  }
}

export async function deleteAtSource(
  client: Pop3Client,
  { listing }: Survey,
  { isAllDurable, archived }: FetchResult,
  archiver: Archiver,
  work: AccountWork,
): Promise<PendingDeletions> {
  const { tally } = work;
  const { deletion, stopSignal } = work.context;
  if (deletion === undefined || !isAllDurable || stopSignal.aborted) {
    return NO_DELETIONS;
  }
  if (work.uidls.isChanged) {
    return { rowIds: [], kept: { 'unique-ids changed': listing.messages.length } };
  }
  const { deleted, kept, failures } = await deleteArchived({
    client,
    account: work.source.id,
    listing,
    rows: work.rows,
    archiver,
    // `max` counts per run, over all its sessions.
    rules: {
      ...deletion,
      max: deletion.max === undefined ? undefined : Math.max(0, deletion.max - tally.deleted),
    },
    archivedNow: archived,
    context: work.context,
  });
  for (const failure of failures) {
    work.outcomes.add(outcomeOfFailure(failure));
    log(work, 'warn', failure.hint === undefined ? failure.message : `${failure.message}; ${failure.hint}`);
  }
  return { rowIds: deleted, kept };
}

/**
 * QUIT, now that all that was retrieved is durable. Without deletions an unanswered QUIT is only worth a line; with them
 * it leaves open what the server did: the next listing will say.
 * @throws MailferryError `delete-unanswered`, retry later.
 */
export async function endSession(
  client: Pop3Client,
  pending: PendingDeletions,
  work: AccountWork,
): Promise<void> {
  const { rowIds, kept } = pending;
  const { failpoint } = work.context;
  try {
    const quit = rowIds.length > 0 ? client.quit() : client.quit({ answerMs: QUIT_ANSWER_MS });
    await passWhile(quit, failpoint, 'quit.sent');
  } catch (thrown) {
    client.drop(new ConnectionError('gave up waiting for QUIT', { failure: 'closed' }));
    await client.closed;
    if (rowIds.length > 0) {
      throw unanswered(rowIds.length, thrown);
    }
    log(work, 'info', `QUIT was not answered in order: ${textOf(thrown)}`);
    return;
  }
  failpoint('quit.answered');
  await work.rows.move(rowIds, 'answerDeletion');
  work.tally.deleted += rowIds.length;
  failpoint('deletion.answered');
  if (work.context.deletion !== undefined) {
    work.context.emit({ type: 'account.deleted', account: work.source.id, deleted: rowIds.length, kept });
  }
  await client.closed;
}

function unanswered(count: number, cause: unknown): MailferryError {
  return new MailferryError(
    `${count} deletions are in doubt: QUIT was not answered with +OK: ${textOf(cause)}`,
    {
      code: 'delete-unanswered',
      scope: 'account',
      retry: 'later',
      hint: 'nothing is lost: the next run compares with what the server still shows, and fetches nothing again',
      cause,
    },
  );
}
