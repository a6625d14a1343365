/**
 * One account's archives compared with their receipts, sink after sink: what is missing, changed or unreadable, then what no
 * receipt names. Whatever happens here stays here: the result says what it came to.
 */

import { MailferryError } from '../errors/mailferry-error.ts';
import type { AccountReader, RecordedArchive, RecordedReceipt } from '../ledger/ledger.ts';
import type { KnownPlace, Sink, SinkReader } from '../sink/sink.ts';
import { noteOf } from './account-work.ts';
import { outcomeOfFailure } from './decide-outcome.ts';
import { elapsed } from './elapsed.ts';
import type { EventListener } from './events.ts';
import { ProgressMeter } from './progress-meter.ts';
import {
  type Difference,
  NOTHING_VERIFIED,
  type Verdict,
  type VerifiedCounts,
  verdictOfCounts,
  worstVerdict,
} from './verdict.ts';
import { compareReceipts } from './verify-receipts.ts';

/** Which receipts are compared. What no receipt names is looked for whatever it says. */
export interface VerificationScope {
  /** Of how many one is read: 1 for all, 0.1 for every tenth, beginning anywhere. */
  readonly share: number;
  /** Only receipts that were given since: milliseconds since 1970. */
  readonly since: number | undefined;
}

export interface VerificationContext {
  readonly sinks: readonly Sink[];
  readonly scope: VerificationScope;
  /** From 0 up to 1, as Math.random. */
  readonly random: () => number;
  readonly now: () => number;
  readonly emit: EventListener;
  readonly stopSignal: AbortSignal;
  /** Whether this account is the one that tells of foreign mail in a place that several accounts share. */
  readonly tellsForeign: (archive: RecordedArchive) => boolean;
}

export interface AccountVerification {
  readonly verdict: Verdict;
  readonly counts: VerifiedCounts;
}

type Counters = { -readonly [Key in keyof VerifiedCounts]: number };

interface AccountTask {
  readonly account: string;
  readonly rows: AccountReader;
  readonly context: VerificationContext;
  readonly counts: Counters;
  readonly meter: ProgressMeter;
}

/** @param rows undefined where the ledger has nothing of the account */
export async function verifyAccount(
  account: string,
  rows: AccountReader | undefined,
  context: VerificationContext,
): Promise<AccountVerification> {
  const startedAt = context.now();
  const counts: Counters = { ...NOTHING_VERIFIED };
  const verdicts: Verdict[] = [];
  let cause: unknown;
  try {
    const meter = new ProgressMeter(account, context);
    await (rows && verifyArchives({ account, rows, context, counts, meter }));
  } catch (thrown) {
    cause = thrown;
    verdicts.push(outcomeOfFailure(thrown));
  }
  if (context.stopSignal.aborted) {
    verdicts.push('interrupted');
  }
  const verdict = worstVerdict([...verdicts, verdictOfCounts(counts)]);
  context.emit({
    type: 'account.verified',
    account,
    verdict,
    counts,
    failure: cause === undefined ? undefined : noteOf(cause),
    hint: cause instanceof MailferryError ? cause.hint : undefined,
    durationMs: elapsed(startedAt, context.now()),
  });
  return { verdict, counts };
}

/** All archives are verified, then the first failure is thrown. */
async function verifyArchives(task: AccountTask): Promise<void> {
  const { account, rows, context, counts } = task;
  const sinks = new Map(context.sinks.map((sink) => [sink.name, sink]));
  const archives = rows.archives();
  const left = archives.filter(({ sink }) => !sinks.has(sink));
  if (left.length > 0) {
    const names = [...new Set(left.map(({ sink }) => sink))].join(', ');
    tell(task, `the job does not have these sinks any more, they are not verified: ${names}`);
  }
  const wanted = archives.filter(({ sink }) => sinks.has(sink));
  counts.receipts = wanted.reduce((sum, { receipts }) => sum + receipts, 0);
  context.emit({ type: 'account.counted', account, ...countChosen(wanted, task) });
  const failures: unknown[] = [];
  for (const archive of wanted) {
    const sink = sinks.get(archive.sink);
    await (sink && verifyArchive(sink, archive, task).catch((thrown: unknown) => failures.push(thrown)));
  }
  if (failures.length > 0) {
    throw failures[0];
  }
}

async function verifyArchive(sink: Sink, archive: RecordedArchive, task: AccountTask): Promise<void> {
  const { account, rows, context } = task;
  if (context.stopSignal.aborted) {
    return;
  }
  const journal = rows.journal(archive.sink);
  const reader = await sink.openReader({ accountId: account, root: archive.root, journal });
  try {
    const differing = await verifyReceipts(reader, archive, task);
    await findExtras(reader, archive, differing, task);
  } finally {
    await reader.close();
  }
}

/** @returns the rows whose receipts are not kept */
async function verifyReceipts(
  reader: SinkReader,
  archive: RecordedArchive,
  task: AccountTask,
): Promise<ReadonlySet<number>> {
  const { rows, context, counts, meter } = task;
  const differing = new Set<number>();
  const chosen = choose(rows.receiptsIn(archive), context);
  const options = { now: context.now, signal: context.stopSignal };
  for await (const { recorded, found } of compareReceipts(reader, chosen, options)) {
    const { uidl, rowId, receipt } = recorded;
    counts.read += 1;
    counts.octets += receipt.storedOctets;
    meter.add(1, receipt.storedOctets);
    if (found.kind === 'intact') {
      counts.intact += 1;
    } else {
      differing.add(rowId);
      const { location, sha256 } = receipt;
      differ(task, archive, found.kind, { uidl, sha256, location, detail: found.detail });
    }
  }
  return differing;
}

async function findExtras(
  reader: SinkReader,
  archive: RecordedArchive,
  differing: ReadonlySet<number>,
  task: AccountTask,
): Promise<void> {
  const { rows, context } = task;
  if (context.stopSignal.aborted) {
    return;
  }
  if (reader.findExtras === undefined) {
    tell(task, `${archive.sink} cannot list what it holds: what no receipt names is not looked for there`);
    return;
  }
  const tellsForeign = context.tellsForeign(archive);
  const known: Iterable<KnownPlace> = {
    [Symbol.iterator]: () => places(rows.receiptsIn(archive), differing),
  };
  try {
    for await (const { location, origin, detail } of reader.findExtras(known)) {
      if (origin === 'own' || tellsForeign) {
        differ(task, archive, 'extra', { uidl: null, sha256: null, location, detail });
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof MailferryError && thrown.code === 'sink-cannot-list')) {
      throw thrown;
    }
    const hint = thrown.hint === undefined ? '' : ` ${thrown.hint}`;
    tell(
      task,
      `${archive.sink}: ${thrown.message}, so what no receipt names is not looked for there.${hint}`,
    );
  }
}

function* places(
  receipts: Iterable<RecordedReceipt>,
  differing: ReadonlySet<number>,
): Generator<KnownPlace, undefined> {
  for (const { rowId, receipt } of receipts) {
    yield { location: receipt.location, isDiffering: differing.has(rowId) };
  }
}

function* choose(
  receipts: Iterable<RecordedReceipt>,
  { scope, random }: VerificationContext,
): Generator<RecordedReceipt> {
  let due = random();
  for (const recorded of receipts) {
    if (scope.since === undefined || recorded.receipt.provedAt >= scope.since) {
      due += scope.share;
      if (due >= 1) {
        due -= 1;
        yield recorded;
      }
    }
  }
}

/** What the bar runs to. An estimate where only a share is read. */
function countChosen(
  archives: readonly RecordedArchive[],
  { rows, context }: AccountTask,
): { receipts: number; octets: number } {
  const { share, since } = context.scope;
  let receipts = 0;
  let octets = 0;
  for (const archive of archives) {
    if (since === undefined) {
      receipts += archive.receipts;
      octets += archive.storedOctets;
    } else {
      for (const { receipt } of choose(rows.receiptsIn(archive), {
        ...context,
        scope: { share: 1, since },
        random: () => 0,
      })) {
        receipts += 1;
        octets += receipt.storedOctets;
      }
    }
  }
  return { receipts: Math.round(receipts * share), octets: Math.round(octets * share) };
}

interface Differing {
  readonly uidl: string | null;
  readonly sha256: string | null;
  readonly location: string;
  readonly detail: string;
}

function differ(
  { account, context, counts }: AccountTask,
  { sink, root }: RecordedArchive,
  difference: Difference,
  about: Differing,
): void {
  counts[difference] += 1;
  context.emit({ type: 'message.differs', account, sink, root, difference, ...about });
}

function tell({ account, context }: AccountTask, text: string): void {
  context.emit({ type: 'logged', level: 'warn', account, text });
}
