/**
 * Deleting at the source, the most dangerous thing that mailferry does. The order is the promise (4, 5, 6, 7): verified
 * receipts of every sink are durable in the ledger; the message stands in this session's listing, its size (or where sizes
 * are inexact its header) agrees; what an earlier run proved is read back once more; the wish is durable; then DELE; QUIT
 * commits; a later listing confirms.
 *
 * Killed before QUIT: the server keeps everything. Killed after QUIT: the next listing says what became of it.
 */
import { type Failpoint, passWhile } from '../errors/failpoint.ts';
import { MailferryError } from '../errors/mailferry-error.ts';
import type { AccountLedger, MessageRow } from '../ledger/ledger.ts';
import { headerDigest } from '../message/header-block.ts';
import type { Pop3Client } from '../pop3/client.ts';
import { RefusedError } from '../pop3/errors.ts';
import type { Archiver } from './archive-batch.ts';
import { matchArchived } from './classify-listing.ts';
import type { JobContext } from './context.ts';
import {
  type DeletionCandidate,
  type DeletionDecision,
  type DeletionRules,
  type DueMessage,
  decideDeletions,
} from './decide-deletion.ts';
import type { IdentifiedMessage } from './identify.ts';
import type { Listing } from './listing.ts';
import { proveHeld } from './prove-held.ts';
import { readHeaders } from './read-headers.ts';

/** How many deletions are declared in the ledger together. */
const GROUP = 256;

export interface DeletionOptions {
  readonly client: Pop3Client;
  readonly account: string;
  readonly listing: Listing;
  readonly rows: AccountLedger;
  readonly archiver: Archiver;
  readonly rules: DeletionRules;
  /** What this session has fetched and archived; without unique-ids only these may be deleted. */
  readonly archivedNow: readonly IdentifiedMessage[];
  readonly context: Pick<JobContext, 'now' | 'failpoint' | 'sinks' | 'stopSignal'>;
}

export interface DeletionResult {
  /** Rows whose DELE was answered +OK: to be moved on once QUIT is. */
  readonly deleted: readonly number[];
  readonly kept: Readonly<Record<string, number>>;
  readonly failures: readonly MailferryError[];
}

/** Sends DELE for all that may go. QUIT is the caller's. @throws what ended the session: it must be dropped without QUIT. */
export async function deleteArchived(options: DeletionOptions): Promise<DeletionResult> {
  const { rules, context, client, rows } = options;
  const proofs = await proveArchived(options);
  const candidates = options.listing.messages.map(({ number, listedOctets }) => ({
    number,
    listedOctets,
    archived: proofs.facts.get(number),
  }));
  const decision = decideDeletions(candidates, rules, context.now());
  const { agreeing, doubtful } = await compareHeaders(client, decision.due, rows);
  context.failpoint('deletion.decided');
  const deleted: number[] = [];
  const failures = [...proofs.failures, ...failuresOf(decision, doubtful)];
  let notHeld = 0;
  for (let start = 0; start < agreeing.length && !context.stopSignal.aborted; start += GROUP) {
    const { group, failure } = await leaveOutLost(agreeing.slice(start, start + GROUP), proofs.now, options);
    failures.push(...(failure === undefined ? [] : [failure]));
    notHeld += Math.min(GROUP, agreeing.length - start) - group.length;
    await rows.move(
      group.map(({ archived }) => archived.rowId),
      'requestDeletion',
    );
    context.failpoint('deletion.requested');
    const refusals = await deleteGroup(client, group, deleted, context.failpoint);
    failures.push(...refusals);
  }
  return {
    deleted,
    kept: countKept(decision, { 'header differs': doubtful.length, 'not held': notHeld }),
    failures,
  };
}

/** Only what every sink still holds may go. What this run has proved was read back a moment ago, and is not read again. */
async function leaveOutLost(
  group: readonly DueMessage[],
  provedNow: ReadonlySet<number>,
  { account, rows, context }: DeletionOptions,
): Promise<{ group: readonly DueMessage[]; failure: MailferryError | undefined }> {
  const older = group.map(({ archived }) => archived.rowId).filter((rowId) => !provedNow.has(rowId));
  if (older.length === 0) {
    return { group, failure: undefined };
  }
  const { held, difference } = await proveHeld(older, {
    account,
    rows,
    sinks: context.sinks,
    now: context.now,
  });
  const left = group.filter(({ archived: { rowId } }) => provedNow.has(rowId) || held.has(rowId));
  return {
    group: left,
    failure: left.length === group.length ? undefined : lost(group.length - left.length, difference),
  };
}

function lost(count: number, difference = 'it has no receipt'): MailferryError {
  return new MailferryError(
    `${count} archived messages stay on the server: a sink does not hold them any more (${difference})`,
    {
      code: 'sink-readback',
      scope: 'message',
      retry: 'never',
      hint: 'is the right disk mounted? `mailferry verify` lists what is missing, `mailferry run --refetch missing` stores it anew',
    },
  );
}

type Facts = NonNullable<DeletionCandidate['archived']>;

interface Proofs {
  /** By message number. */
  readonly facts: ReadonlyMap<number, Facts>;
  /** Rows that this run has proved. */
  readonly now: ReadonlySet<number>;
  readonly failures: readonly MailferryError[];
}

/** What is known of each archived message of the listing; receipts that were only synced are read back now. */
async function proveArchived({ listing, rows, archiver, archivedNow }: DeletionOptions): Promise<Proofs> {
  const facts = new Map<number, Facts>();
  const now = new Set<number>();
  const archivedNumbers = new Set(archivedNow.map(({ wanted }) => wanted.number));
  const failures: MailferryError[] = [];
  const matched = listing.hasUidl ? matchArchived(listing, rows.known()) : matchSession(archivedNow, rows);
  for (const [number, rowId] of matched) {
    const [row] = rows.rows([rowId]);
    if (row !== undefined) {
      const { row: proved, failure } = await prove(row, rows, archiver);
      if (failure !== undefined) {
        failures.push(failure);
      } else if (row.state === 'archived' || archivedNumbers.has(number)) {
        now.add(rowId);
      }
      const { firstSeenAt, verifiedAt } = proved;
      facts.set(number, { rowId, firstSeenAt, verifiedAt, isIdentified: true });
    }
  }
  return { facts, now, failures };
}

/** Without unique-ids a message has an identity in the session that fetched and proved it, and in no other. */
function matchSession(
  archivedNow: readonly IdentifiedMessage[],
  rows: Pick<AccountLedger, 'rowsByDigest'>,
): ReadonlyMap<number, number> {
  const matched = new Map<number, number>();
  for (const { wanted, message, copy } of archivedNow) {
    const row = rows
      .rowsByDigest(message.sha256)
      .find((each) => each.uidl === wanted.uidl && each.copy === copy && each.isComplete);
    if (row !== undefined) {
      matched.set(wanted.number, row.rowId);
    }
  }
  return matched;
}

async function prove(
  row: MessageRow,
  rows: AccountLedger,
  archiver: Archiver,
): Promise<{ row: MessageRow; failure: MailferryError | undefined }> {
  if (row.state !== 'archived') {
    return { row, failure: undefined };
  }
  const failure = await archiver.proveAgain(row);
  const [proved] = rows.rows([row.rowId]);
  return { row: proved ?? row, failure };
}

/** Where LIST does not count the octets that came, it proves little: there the header must agree too (promise 5). */
async function compareHeaders(
  client: Pop3Client,
  due: readonly DueMessage[],
  rows: Pick<AccountLedger, 'rows'>,
): Promise<{ agreeing: readonly DueMessage[]; doubtful: readonly DueMessage[] }> {
  const inexact = new Map<number, DueMessage>();
  const rowOf = new Map<number, MessageRow>();
  for (const message of due) {
    const [row] = rows.rows([message.archived.rowId]);
    if (row !== undefined && row.octets !== message.listedOctets) {
      inexact.set(message.number, message);
      rowOf.set(message.number, row);
    }
  }
  const doubtful = new Set<number>();
  const asked = [...inexact.values()].map((message) => ({ ...message, uidl: '' }));
  for await (const { message, header } of readHeaders(client, asked)) {
    if (header === undefined || headerDigest(header) !== rowOf.get(message.number)?.headerSha256) {
      doubtful.add(message.number);
    }
  }
  return {
    agreeing: due.filter(({ number }) => !doubtful.has(number)),
    doubtful: due.filter(({ number }) => doubtful.has(number)),
  };
}

/** DELE for each, pipelined. A refusal concerns its message alone; the next listing will say what became of it. */
async function deleteGroup(
  client: Pop3Client,
  group: readonly DueMessage[],
  deleted: number[],
  failpoint: Failpoint,
): Promise<MailferryError[]> {
  const refusals: MailferryError[] = [];
  await Promise.all(
    group.map(async ({ number, archived }) => {
      try {
        await passWhile(client.dele(number), failpoint, 'dele.sent');
        failpoint('dele.answered');
        deleted.push(archived.rowId);
      } catch (cause) {
        if (!(cause instanceof RefusedError)) {
          throw cause;
        }
        refusals.push(cause);
      }
    }),
  );
  return refusals;
}

function failuresOf(
  { exceededPercent }: DeletionDecision,
  doubtful: readonly DueMessage[],
): MailferryError[] {
  const failures: MailferryError[] = [];
  if (exceededPercent !== undefined) {
    failures.push(
      new MailferryError(
        `${exceededPercent.toFixed(1)} % of the listed messages are due for deletion, more than delete.maxPercent: none is deleted`,
        {
          code: 'delete-max-percent',
          scope: 'account',
          retry: 'never',
          hint: 'look at `mailferry plan`; raise `delete.maxPercent` if that is what you want',
        },
      ),
    );
  }
  if (doubtful.length > 0) {
    failures.push(
      new MailferryError(
        `${doubtful.length} messages are not deleted: sizes are inexact on this server, and TOP does not show the archived header`,
        { code: 'delete-doubtful', scope: 'message', retry: 'never' },
      ),
    );
  }
  return failures;
}

/** @param others what was found after the decision, by reason */
function countKept(
  { kept }: DeletionDecision,
  others: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = Object.fromEntries(
    Object.entries(others).filter(([, count]) => count > 0),
  );
  for (const why of kept.values()) {
    counts[why] = (counts[why] ?? 0) + 1;
  }
  return counts;
}
