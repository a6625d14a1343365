/**
 * The window of RETRs fills the intake, batches leave it for the sinks, and each batch that is archived makes room for more.
 */
import type { ReceivedPart } from '../message/received-part.ts';
import type { Spool } from '../message/spool.ts';
import type { Pop3Client } from '../pop3/client.ts';
import { type AccountWork, toError } from './account-work.ts';
import type { Archiver, BatchResult } from './archive-batch.ts';
import type { WantedMessage } from './classify-listing.ts';
import { DayBudget } from './day-budget.ts';
import { FetchBudget, NO_BUDGETS } from './fetch-budget.ts';
import { noteRenamed } from './follow-uidls.ts';
import type { IdentifiedMessage } from './identify.ts';
import { type FetchedBatch, Intake } from './intake.ts';
import { ProgressMeter } from './progress-meter.ts';
import { tellFailures } from './tell-failures.ts';

export interface FetchResult {
  /** Everything that was retrieved is archived in every sink: only then may QUIT be sent (promise 6). */
  readonly isAllDurable: boolean;
  readonly archived: readonly IdentifiedMessage[];
  /** Which budget kept the rest from being asked for. */
  readonly spent: 'session-spent' | 'day-spent' | undefined;
  /** Why the session ended before all was fetched; what was whole by then is archived and recorded. */
  readonly loss: SessionLoss | undefined;
}

export interface SessionLoss {
  readonly cause: unknown;
  /** The message at which it broke: it was asked for, and its answer did not come whole. */
  readonly at: WantedMessage | undefined;
  /** What came of it. */
  readonly part: ReceivedPart | undefined;
}

/** @throws what ended a sink or the ledger. */
export async function fetchAndArchive(
  client: Pop3Client,
  wanted: readonly WantedMessage[],
  archiver: Archiver,
  work: AccountWork,
  { isFirstAlone }: { readonly isFirstAlone: boolean },
): Promise<FetchResult> {
  const { spool, quarantine, batch: limits, stopSignal, failpoint } = work.context;
  const meter = new ProgressMeter(work.source.id, work.context);
  const onProgress = (messages: number, octets: number): void => meter.add(messages, octets);
  const day = openDayBudget(work, () => retrieval.resume());
  const budget = new FetchBudget(work.context.budgets ?? NO_BUDGETS, day);
  const intake = new Intake({ wanted, spool, limits, stopSignal, budget, isFirstAlone, onProgress });
  const archived: IdentifiedMessage[] = [];
  let unarchived = 0;
  let loss: SessionLoss | undefined;
  const retrieval = client.retrieve(intake);
  const ended = retrieval.done
    .catch((cause: unknown) => {
      loss = { cause, at: intake.awaited, part: undefined };
    })
    .finally(() => intake.end());
  try {
    for (let batch = await intake.nextBatch(); batch !== undefined; batch = await intake.nextBatch()) {
      // The batch has left: the next one gathers while this one is made durable.
      retrieval.resume();
      failpoint('batch.fetched');
      const result = await archiver.archiveBatch(batch).finally(() => removeContents(batch, spool));
      await tellBatch(result, work);
      unarchived += result.unarchived;
      archived.push(...(work.context.deletion === undefined ? [] : result.archived.map(withoutContent)));
      if (result.sinkFailure !== undefined) {
        throw result.sinkFailure;
      }
    }
  } catch (thrown) {
    client.drop(toError(thrown));
    throw thrown;
  } finally {
    await ended;
    if (loss !== undefined) {
      loss = { ...loss, part: await intake.partOfAwaited(quarantine.partOctets) };
    }
    await intake.abort();
    await day?.settle();
  }
  return { isAllDurable: unarchived === 0, archived, loss, spent: intake.spent };
}

function openDayBudget({ context, rows }: AccountWork, onReady: () => void): DayBudget | undefined {
  const limitOctets = context.budgets?.octetsPerDay;
  const { now, failpoint } = context;
  return limitOctets === undefined
    ? undefined
    : new DayBudget({ limitOctets, rows, now, failpoint, onReady });
}

async function removeContents({ fetched }: FetchedBatch, spool: Spool): Promise<void> {
  for (const { message } of fetched) {
    // Waiting only where there is something to wait for: this loop runs for every message.
    if (message.content.kind !== 'memory') {
      await spool.removeContent(message);
    }
  }
}

/** What is remembered of an archived message must not keep its octets in memory. */
function withoutContent(identified: IdentifiedMessage): IdentifiedMessage {
  const message = { ...identified.message, content: { kind: 'memory', buffer: Buffer.alloc(0) } } as const;
  return { ...identified, message };
}

async function tellBatch({ archived, recognised, failed }: BatchResult, work: AccountWork): Promise<void> {
  const { source, context, tally } = work;
  const account = source.id;
  noteRenamed([...recognised, ...archived].filter(({ isRenamed }) => isRenamed).length, work);
  const recognisedNow = recognised.filter((identified) => isFirstTime(identified, work));
  tally.recognised += recognisedNow.length;
  tally.archivedBefore += recognisedNow.length;
  tally.archivedNow += archived.filter((identified) => isFirstTime(identified, work)).length;
  for (const { wanted, message } of archived) {
    const { octets, sha256 } = message;
    tally.octets += octets;
    context.emit({ type: 'message.archived', account, uidl: wanted.uidl, octets, sha256 });
  }
  if (!context.quarantine.kept.isEmpty) {
    for (const { wanted } of [...archived, ...recognised]) {
      const { uidl, listedOctets } = wanted;
      await context.quarantine.kept.discard({ account, uidl, listedOctets });
    }
  }
  tellFailures(failed, work);
}

/** What has no identity by unique-id may be fetched by each session of a run, and is counted once. */
function isFirstTime({ wanted, message, copy }: IdentifiedMessage, { settled }: AccountWork): boolean {
  if (wanted.kind !== 'ambiguous' && wanted.kind !== 'doubtful') {
    return true;
  }
  const key = `${message.sha256} ${copy} ${wanted.uidl}`;
  const isFirst = !settled.has(key);
  settled.add(key);
  return isFirst;
}
