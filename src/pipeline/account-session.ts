/**
 * One session of an account, from login to QUIT: list, classify, fetch, archive, delete, and end so that nothing is committed
 * that is not proved (promise 6).
 */
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import type { Pop3Client } from '../pop3/client.ts';
import { type AccountWork, log, toError } from './account-work.ts';
import { Archiver } from './archive-batch.ts';
import type { WantedMessage } from './classify-listing.ts';
import { compareTroubled } from './compare-troubled.ts';
import type { Tally } from './counts.ts';
import { nextDay } from './day-budget.ts';
import {
  canBreakAgain,
  isSame,
  MAX_TOP_BREAKS,
  type SessionEnd,
  type SessionPlan,
  type SessionYield,
} from './decide-next-session.ts';
import { deleteAtSource, endSession, reconcile } from './delete-at-source.ts';
import { type FetchResult, fetchAndArchive } from './fetch-and-archive.ts';
import { followUidls, settleUidls } from './follow-uidls.ts';
import { Identifier } from './identify.ts';
import { judgeWith } from './judge-failure.ts';
import { keepPartsFor } from './keep-parts.ts';
import { orderWanted } from './order-wanted.ts';
import { followSizes } from './recognise-resized.ts';
import { type LostRows, takeBackLost } from './refetch-lost.ts';
import type { RowsAhead } from './rows-ahead.ts';
import { serverWarnings } from './server-warnings.ts';
import { settleLosses } from './settle-losses.ts';
import { type Survey, surveyAccount } from './survey-account.ts';

export interface SessionSetting {
  readonly plan: SessionPlan;
  /** What is to be taken back once it is listed. */
  readonly lost: LostRows;
  /** The account's rows, which were begun to be read; undefined where what is lost will change them. */
  readonly known: RowsAhead | undefined;
}

/** One session that is open already. @throws what ends the account, whatever another session might do. */
export async function runSession(
  client: Pop3Client,
  work: AccountWork,
  setting: SessionSetting,
): Promise<SessionEnd> {
  const meter = new YieldMeter(work.tally);
  const { loss, spent } = await runInOrder(client, work, setting, meter).catch((cause: unknown) => ({
    loss: { cause, at: undefined, part: undefined },
    spent: undefined,
  }));
  if (loss === undefined) {
    return spent === 'day-spent'
      ? { ...meter.read(), kind: 'day-spent', cause: daySpent(work) }
      : { ...meter.read(), kind: spent === undefined ? 'complete' : 'spent' };
  }
  const { cause, at, part } = loss;
  // What was retrieved and is not archived, and a deletion in doubt, must not be committed by a QUIT (promise 6).
  client.drop(toError(cause));
  if (!canBreakAgain(cause)) {
    throw cause;
  }
  const isAtTop = client.isBrokenAtTop;
  return { ...meter.read(), ...client.pipelining, kind: 'broken', cause, at, part, isAtTop };
}

/** Each step is in a file of its own. @throws what broke the session elsewhere than in fetching. */
async function runInOrder(
  client: Pop3Client,
  work: AccountWork,
  { plan, lost, known }: SessionSetting,
  meter: YieldMeter,
): Promise<Pick<FetchResult, 'loss' | 'spent'>> {
  const { source, context, rows, tried } = work;
  if (plan.pipelining.kind !== 'trusted') {
    client.stopPipelining();
  }
  if (plan.topBreaks >= MAX_TOP_BREAKS) {
    client.stopTop();
  }
  tellServer(client, work);
  const survey = await surveyAccount(client, source.id, rows, context, {
    ...(known && { known }),
    onListed: (listing) => takeBackLost(lost, listing, work),
  });
  countSurvey(survey, work);
  tellSurvey(survey, work);
  await settleLosses(work, { isServerWell: true });
  meter.noteSurvey(survey);
  context.failpoint('account.listed');
  await followUidls(survey, work);
  await followSizes(survey, work);
  await reconcile(survey, work);
  await compareTroubled(survey.listing, work, { isFirst: plan.why === 'first' || plan.why === 'broken' });
  context.failpoint('account.reconciled');
  await recordSkipped(survey, work);
  const wanted = inOrderOf(plan.suspect, orderWanted(survey.wanted.filter((message) => !tried.has(message))));
  const before = work.tally.archivedNow + work.tally.archivedBefore;
  const archiver = openArchiver(survey, work);
  try {
    const fetched = await fetchAndArchive(client, wanted.messages, archiver, work, wanted);
    if (fetched.loss !== undefined) {
      return fetched;
    }
    const arrived = work.tally.archivedNow + work.tally.archivedBefore - before;
    await settleUidls(arrived === survey.wanted.length, work);
    const deletions = await deleteAtSource(client, survey, fetched, archiver, work);
    if (!fetched.isAllDurable) {
      throw notDurable();
    }
    await endSession(client, deletions, work);
    return fetched;
  } finally {
    await closeArchives(archiver, work);
  }
}

/** The message at which a session broke comes first and alone; the others in the order of the listing. */
function inOrderOf(
  suspect: WantedMessage | undefined,
  wanted: readonly WantedMessage[],
): { readonly messages: readonly WantedMessage[]; readonly isFirstAlone: boolean } {
  const first = suspect === undefined ? undefined : wanted.find((message) => isSame(message, suspect));
  return first === undefined
    ? { messages: wanted, isFirstAlone: false }
    : { messages: [first, ...wanted.filter((message) => message !== first)], isFirstAlone: true };
}

/** What this session adds to what its account came to. */
class YieldMeter {
  readonly #tally: Tally;
  #before: { readonly gained: number; readonly failed: number; readonly deleted: number };
  #listed = 0;
  #settledBefore = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
    this.#before = { gained: tally.gained, failed: tally.failed, deleted: tally.deleted };
  }

  /** To be called when what failed in earlier sessions is counted: that is not this one's. */
  noteSurvey({ listing, wanted }: Survey): void {
    this.#before = { ...this.#before, failed: this.#tally.failed };
    this.#listed = listing.messages.length;
    this.#settledBefore = Math.max(0, this.#listed - wanted.length - this.#before.gained);
  }

  read(): SessionYield {
    const { gained, failed, deleted } = this.#tally;
    return {
      listed: this.#listed,
      settledBefore: this.#settledBefore,
      gained: gained - this.#before.gained,
      failed: failed - this.#before.failed,
      deleted: deleted - this.#before.deleted,
    };
  }
}

/** @returns why the account goes on on another day. */
function daySpent({ context }: AccountWork): MailferryError {
  const limit = context.budgets?.octetsPerDay;
  return new MailferryError(
    `what the account may fetch in a day (${limit} octets) is spent; it goes on from ${nextDay(context.now())}`,
    {
      code: 'budget-day',
      scope: 'account',
      retry: 'later',
      hint: 'the next run after that time goes on; `limits.bytesPerDay` sets the limit',
    },
  );
}

function tellServer({ capabilities }: Pop3Client, work: AccountWork): void {
  const isDeleting = work.context.deletion !== undefined;
  for (const text of serverWarnings(capabilities, { isDeleting })) {
    log(work, 'warn', text);
  }
}

function openArchiver({ recognised, resized, uidls }: Survey, work: AccountWork): Archiver {
  const { source, context, rows } = work;
  const { sinks, dropSignal, isReadingBack, now, failpoint } = context;
  const followed = [...resized, ...uidls.followed];
  const known = followed.map(({ message, row }) => ({ uidl: message.uidl, sha256: row.sha256 }));
  const identifier = new Identifier(rows, [...recognised, ...known], uidls.isUnlisted);
  return new Archiver({
    account: source,
    sinks,
    rows,
    identifier,
    dropSignal,
    isReadingBack,
    now,
    judge: judgeWith(work),
    keepParts: keepPartsFor(work),
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

/** Counts what no session of this run has shown before: the listing is taken apart, each message in one place. */
function countSurvey(
  { listing, quarantined, skipped, wanted, resized }: Survey,
  { tally, shown }: AccountWork,
): void {
  for (const { message, row } of resized) {
    shown.listed.resize(message, row.listedOctets);
  }
  const listed = shown.listed.add(listing.messages);
  const others = listed - shown.wanted.add(wanted);
  const left = Math.max(0, others - shown.skipped.add(skipped));
  // What this run has set aside is counted already.
  const before = Math.max(0, quarantined - tally.setAside - tally.quarantined);
  const setAside = Math.min(left, before);
  tally.listed += listed;
  tally.skipped += others - left;
  tally.quarantined += setAside;
  tally.archivedBefore += left - setAside;
}

function tellSurvey(survey: Survey, work: AccountWork): void {
  const { listing, archivedBefore, wanted, ambiguous } = survey;
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

async function recordSkipped({ skipped }: Survey, { source, context, rows }: AccountWork): Promise<void> {
  if (skipped.length === 0) {
    return;
  }
  await rows.record({ skipped });
  for (const { uidl, rule } of skipped) {
    context.emit({ type: 'message.skipped', account: source.id, uidl, rule });
  }
}
