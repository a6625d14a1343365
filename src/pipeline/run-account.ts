/**
 * One account, from login to QUIT: list, classify, fetch, archive, and end the session so that nothing is committed that
 * is not proved (promise 6). Whatever happens here stays here: the result says what it came to.
 */

import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import type { AccountRun, Outcome } from '../ledger/ledger.ts';
import type { Pop3Client } from '../pop3/client.ts';
import { ConnectionError, ProtocolError } from '../pop3/errors.ts';
import { type AccountWork, log, noteOf, toError } from './account-work.ts';
import { Archiver } from './archive-batch.ts';
import type { AccountSource, JobContext } from './context.ts';
import { Tally } from './counts.ts';
import { outcomeOfFailure, worstOutcome } from './decide-outcome.ts';
import { deleteAtSource, endSession, reconcile } from './delete-at-source.ts';
import { elapsed } from './elapsed.ts';
import { fetchAndArchive, recordLoss, type SessionLoss } from './fetch-and-archive.ts';
import { Identifier } from './identify.ts';
import { openPatiently } from './open-patiently.ts';
import { findLost, type LostRows, takeBackLost } from './refetch-lost.ts';
import { serverWarnings } from './server-warnings.ts';
import { type Survey, surveyAccount } from './survey-account.ts';
import { TriedMessages } from './tried-messages.ts';

/** Sessions of one account in one run: a server that breaks so often is broken. */
const MAX_SESSIONS = 10;

/** What an account came to; `cause` is what ended it early. */
export interface AccountResult {
  readonly run: AccountRun;
  readonly cause: unknown;
}

export async function runAccount(source: AccountSource, context: JobContext): Promise<AccountResult> {
  const startedAt = context.now();
  const tally = new Tally();
  const outcomes = new Set<Outcome>();
  let cause: unknown;
  context.emit({ type: 'account.started', account: source.id, host: source.host });
  try {
    const rows = context.ledger.openAccount(source);
    const tried = new TriedMessages();
    await archiveAccount({ source, context, rows, tally, outcomes, tried });
  } catch (thrown) {
    cause = thrown;
    outcomes.add(context.dropSignal.aborted ? 'interrupted' : outcomeOfFailure(thrown));
  }
  const counts = tally.toCounts();
  if (counts.quarantined > 0) {
    outcomes.add('failed');
  }
  if (context.stopSignal.aborted && counts.unreached > 0) {
    outcomes.add('interrupted');
  }
  const outcome = worstOutcome(outcomes);
  const failure = cause === undefined ? undefined : noteOf(cause);
  const finishedAt = context.now();
  context.emit({
    type: 'account.finished',
    account: source.id,
    outcome,
    counts,
    failure,
    hint: cause instanceof MailferryError ? cause.hint : undefined,
    durationMs: elapsed(startedAt, finishedAt),
  });
  return { run: { account: source.id, outcome, counts, startedAt, finishedAt, failure }, cause };
}

/**
 * Sessions until the maildrop is done. One that breaks at a message is followed by another without that message: no bad
 * message keeps the others from being archived (promise 10). What breaks elsewhere, or too often, ends the account.
 */
async function archiveAccount(work: AccountWork): Promise<void> {
  const lost: LostRows = work.context.isRefetching === true ? await findLost(work) : new Map();
  for (let session = 1; ; session += 1) {
    // What the first session takes back is not lost any more.
    const loss = await runSession(work, session === 1 ? lost : new Map());
    if (loss === undefined) {
      return;
    }
    const { cause, at } = loss;
    if (at === undefined || !canBreakAgain(cause) || session === MAX_SESSIONS || isStopping(work)) {
      throw cause;
    }
    await recordLoss(at, cause, work);
    log(work, 'warn', `the session broke at a message: ${cause.message}; going on without it`);
  }
}

/** The connection broke or the server lost count, and the next session may do better. */
function canBreakAgain(cause: unknown): cause is MailferryError {
  return (
    cause instanceof ProtocolError ||
    (cause instanceof ConnectionError && (cause.failure === 'closed' || cause.failure === 'silent'))
  );
}

function isStopping({ context }: AccountWork): boolean {
  return context.stopSignal.aborted || context.dropSignal.aborted;
}

/** One session, in order. Each step is in a file of its own. @returns why it broke, where it broke in fetching. */
async function runSession(work: AccountWork, lost: LostRows): Promise<SessionLoss | undefined> {
  const { source, context, rows, tried } = work;
  const client = await openPatiently(source, context);
  try {
    tellServer(client, work);
    const survey = await surveyAccount(client, source.id, rows, context, (listing) =>
      takeBackLost(lost, listing, work),
    );
    tellSurvey(survey, work);
    context.failpoint('account.listed');
    await reconcile(survey, work);
    context.failpoint('account.reconciled');
    await recordSkipped(survey, work);
    const wanted = survey.wanted.filter((message) => !tried.has(message));
    const archiver = openArchiver(survey, work);
    try {
      const fetched = await fetchAndArchive(client, wanted, archiver, work);
      if (fetched.loss !== undefined) {
        return fetched.loss;
      }
      const deletions = await deleteAtSource(client, survey, fetched, archiver, work);
      if (!fetched.isAllDurable) {
        throw notDurable();
      }
      await endSession(client, deletions, work);
      return undefined;
    } finally {
      await closeArchives(archiver, work);
    }
  } catch (thrown) {
    // What was retrieved and is not archived, and a deletion in doubt, must not be committed by a QUIT (promise 6).
    client.drop(toError(thrown));
    throw thrown;
  }
}

function tellServer({ capabilities }: Pop3Client, work: AccountWork): void {
  const isDeleting = work.context.deletion !== undefined;
  for (const text of serverWarnings(capabilities, { isDeleting })) {
    log(work, 'warn', text);
  }
}

function openArchiver({ recognised }: Survey, { source, context, rows }: AccountWork): Archiver {
  const { sinks, dropSignal, isReadingBack, now, failpoint } = context;
  const identifier = new Identifier(rows, recognised);
  return new Archiver({
    account: source,
    sinks,
    rows,
    identifier,
    dropSignal,
    isReadingBack,
    now,
    failpoint,
  });
}

/** All receipts are recorded by now: an archive that does not close in order is worth a line, not a failure. */
async function closeArchives(archiver: Archiver, work: AccountWork): Promise<void> {
  try {
    await archiver.close();
  } catch (thrown) {
    log(work, 'warn', `closing the archive: ${textOf(thrown)}`);
  }
}

function notDurable(): MailferryError {
  return new MailferryError(
    'some messages that were retrieved are not archived: the session ends without QUIT',
    {
      code: 'account-not-durable',
      scope: 'account',
      retry: 'later',
    },
  );
}

function tellSurvey(survey: Survey, work: AccountWork): void {
  const { listing, quarantined, skipped, wanted, ambiguous } = survey;
  const { tally } = work;
  // What an earlier session of this run archived is known now, and was not archived before the run.
  const archivedBefore = Math.max(0, survey.archivedBefore - tally.archivedNow);
  tally.listed = archivedBefore + tally.archivedNow + quarantined + skipped.length + wanted.length;
  tally.archivedBefore = archivedBefore;
  tally.quarantined = quarantined;
  work.context.emit({
    type: 'account.listed',
    account: work.source.id,
    listed: listing.messages.length,
    listedOctets: listing.octets,
    archivedBefore,
    wanted: wanted.length,
    wantedOctets: wanted.reduce((sum, { listedOctets }) => sum + (listedOctets ?? 0), 0),
  });
  if (!listing.hasUidl) {
    log(
      work,
      'warn',
      'the server has no UIDL: messages are recognised by size and header, which costs a TOP for each',
    );
  } else if (ambiguous > 0) {
    log(
      work,
      'warn',
      `${ambiguous} messages have no unique-id of their own: they are fetched and recognised by their octets`,
    );
  }
}

async function recordSkipped(
  { skipped }: Survey,
  { source, context, rows, tally }: AccountWork,
): Promise<void> {
  if (skipped.length === 0) {
    return;
  }
  await rows.record({ skipped });
  tally.skipped = skipped.length;
  for (const { uidl, rule } of skipped) {
    context.emit({ type: 'message.skipped', account: source.id, uidl, rule });
  }
}
