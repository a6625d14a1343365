/**
 * One session of an account, from login to QUIT: list, classify, fetch, archive, delete, and end so that nothing is committed
 * that is not proved (promise 6).
 */
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import type { Pop3Client } from '../pop3/client.ts';
import { type AccountWork, log, toError } from './account-work.ts';
import { Archiver } from './archive-batch.ts';
import { compareTroubled } from './compare-troubled.ts';
import type { SessionEnd } from './decide-next-session.ts';
import { deleteAtSource, endSession, reconcile } from './delete-at-source.ts';
import { fetchAndArchive } from './fetch-and-archive.ts';
import { followUidls, settleUidls } from './follow-uidls.ts';
import { Identifier } from './identify.ts';
import { judgeWith } from './judge-failure.ts';
import { orderWanted } from './order-wanted.ts';
import { type LostRows, takeBackLost } from './refetch-lost.ts';
import { serverWarnings } from './server-warnings.ts';
import { settleLosses } from './settle-losses.ts';
import { type Survey, surveyAccount } from './survey-account.ts';

/** One session, in order. Each step is in a file of its own. @throws what broke it elsewhere than in fetching. */
export async function runSession(work: AccountWork, lost: LostRows): Promise<SessionEnd> {
  const { source, context, rows, tried } = work;
  const client = await source.open(context.dropSignal);
  try {
    tellServer(client, work);
    const survey = await surveyAccount(client, source.id, rows, context, (listing) =>
      takeBackLost(lost, listing, work),
    );
    tellSurvey(survey, work);
    await settleLosses(work, { isServerWell: true });
    context.failpoint('account.listed');
    await followUidls(survey, work);
    await reconcile(survey, work);
    await compareTroubled(survey.listing, work);
    context.failpoint('account.reconciled');
    await recordSkipped(survey, work);
    const wanted = orderWanted(survey.wanted.filter((message) => !tried.has(message)));
    const before = work.tally.archivedNow + work.tally.archivedBefore;
    const archiver = openArchiver(survey, work);
    try {
      const fetched = await fetchAndArchive(client, wanted, archiver, work);
      if (fetched.loss !== undefined) {
        return { kind: 'broken', ...fetched.loss };
      }
      const arrived = work.tally.archivedNow + work.tally.archivedBefore - before;
      await settleUidls(arrived === survey.wanted.length, work);
      const deletions = await deleteAtSource(client, survey, fetched, archiver, work);
      if (!fetched.isAllDurable) {
        throw notDurable();
      }
      await endSession(client, deletions, work);
      return { kind: 'complete' };
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

function openArchiver({ recognised, uidls }: Survey, work: AccountWork): Archiver {
  const { source, context, rows } = work;
  const { sinks, dropSignal, isReadingBack, now, failpoint } = context;
  const followed = uidls.followed.map(({ message, row }) => ({ uidl: message.uidl, sha256: row.sha256 }));
  const identifier = new Identifier(rows, [...recognised, ...followed], uidls.isUnlisted);
  return new Archiver({
    account: source,
    sinks,
    rows,
    identifier,
    dropSignal,
    isReadingBack,
    now,
    judge: judgeWith(work),
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
  // The same holds for what this run has set aside.
  tally.quarantined = Math.max(0, quarantined - tally.setAside);
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
