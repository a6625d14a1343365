/**
 * What all steps of one account's run share: who it is about, what it works with, and what it has come to so far.
 */
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import type { AccountLedger, FailureNote, Outcome } from '../ledger/ledger.ts';
import type { ReceivedPart } from '../message/received-part.ts';
import type { WantedMessage } from './classify-listing.ts';
import type { AccountSource, JobContext } from './context.ts';
import type { Tally } from './counts.ts';
import type { ListedInRun } from './listed-in-run.ts';
import type { RowBudget } from './rows-ahead.ts';
import type { TriedMessages } from './tried-messages.ts';

export interface AccountWork {
  readonly source: AccountSource;
  readonly context: JobContext;
  readonly rows: AccountLedger;
  /** What may be held of the rows of accounts whose servers are busy. */
  readonly rowBudget: RowBudget;
  readonly tally: Tally;
  /** What the sessions of this run have shown, so that what several show is counted once. */
  readonly shown: {
    readonly listed: ListedInRun;
    readonly wanted: ListedInRun;
    readonly skipped: ListedInRun;
  };
  /** Archived or recognised in this run, and asked for by each session all the same: no identity by unique-id. */
  readonly settled: Set<string>;
  /** What failed in this run: later sessions of it leave these out. */
  readonly tried: TriedMessages;
  /** Whether the server was found to have given its messages other unique-ids: nothing is deleted in this run then. */
  readonly uidls: { isChanged: boolean };
  /** Grows with each thing that did not go well; the worst is the account's. */
  readonly outcomes: Set<Outcome>;
  /** Messages at which a session broke, until a later session shows what the server is like. */
  readonly losses: LostMessage[];
}

/** A message at which a session broke. */
export interface LostMessage {
  readonly wanted: WantedMessage;
  readonly cause: MailferryError;
  /** What arrived of it. */
  readonly part: ReceivedPart | undefined;
}

export function noteOf(cause: unknown): FailureNote {
  return { code: cause instanceof MailferryError ? cause.code : 'unexpected', text: textOf(cause) };
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(textOf(thrown));
}

export function log({ source, context }: AccountWork, level: 'info' | 'warn', text: string): void {
  context.emit({ type: 'logged', level, account: source.id, text });
}
