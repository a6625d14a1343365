/**
 * What a batch came to, in the words of the ledger. It decides nothing and writes nothing.
 */
import type { MailferryError } from '../errors/mailferry-error.ts';
import type { FailedEntry, LedgerBatch, MessageRow, RelistedEntry, StoredEntry } from '../ledger/ledger.ts';
import type { JsonValue, Receipt } from '../sink/sink.ts';
import type { IdentifiedMessage } from './identify.ts';
import { type JudgedFailure, rowOf } from './judge-failure.ts';

/** What one sink made of its part of a batch. */
export interface SinkAnswer {
  readonly receipts: ReadonlyMap<IdentifiedMessage, { readonly root: string; readonly receipt: Receipt }>;
  readonly failures: ReadonlyMap<IdentifiedMessage, MailferryError>;
  readonly journal: JsonValue | undefined;
  readonly failure: MailferryError | undefined;
}

/** The first reason why a message is not in all sinks. */
export function failuresOf(
  messages: readonly IdentifiedMessage[],
  answers: ReadonlyMap<string, SinkAnswer>,
): Map<IdentifiedMessage, MailferryError> {
  const failures = new Map<IdentifiedMessage, MailferryError>();
  for (const message of messages) {
    for (const answer of answers.values()) {
      const failure = answer.failures.get(message);
      if (failure !== undefined && !failures.has(message)) {
        failures.set(message, failure);
      }
    }
  }
  return failures;
}

/** What at least one sink holds is recorded, so that it is not stored there a second time. */
export function toStored(
  stored: IdentifiedMessage,
  answers: ReadonlyMap<string, SinkAnswer>,
  failure: JudgedFailure | undefined,
): StoredEntry[] {
  const receipts = new Map<string, { root: string; receipt: Receipt }>();
  for (const [sink, answer] of answers) {
    const receipt = answer.receipts.get(stored);
    if (receipt !== undefined) {
      receipts.set(sink, receipt);
    }
  }
  if (receipts.size === 0) {
    return [];
  }
  const { wanted, message, rowId, copy } = stored;
  const { uidl, listedOctets } = wanted;
  const { octets, sha256, headerSha256 } = message;
  const entry = { rowId, uidl, listedOctets, octets, sha256, headerSha256, copy, receipts };
  return [failure === undefined ? entry : { ...entry, ...toFailure(failure) }];
}

/** A row with its receipts proved anew; nothing else of it changes. */
export function toProved(row: MessageRow, receipts: StoredEntry['receipts']): StoredEntry[] {
  const { rowId, uidl, listedOctets, octets, sha256, headerSha256, copy } = row;
  if (octets === null || sha256 === null || headerSha256 === null) {
    return [];
  }
  return [{ rowId, uidl, listedOctets, octets, sha256, headerSha256, copy, receipts }];
}

/** What no sink took of this batch. */
export function toUnstored(
  message: IdentifiedMessage,
  answers: ReadonlyMap<string, SinkAnswer>,
  failure: JudgedFailure | undefined,
): FailedEntry[] {
  const isHeld = [...answers.values()].some(({ receipts }) => receipts.has(message));
  return failure === undefined || isHeld ? [] : [toFailedEntry(failure)];
}

export function toFailedEntry(judged: JudgedFailure): FailedEntry {
  const { uidl, listedOctets } = judged.wanted;
  return { rowId: judged.rowId ?? rowOf(judged.wanted), uidl, listedOctets, ...toFailure(judged) };
}

function toFailure({
  cause,
  verdict,
}: JudgedFailure): Pick<FailedEntry, 'failure' | 'isAttempt' | 'quarantine'> {
  return {
    failure: { code: cause.code, text: cause.message },
    isAttempt: verdict.isAttempt,
    quarantine: verdict.isQuarantined,
  };
}

export function toRelisted({ rowId, wanted, copy }: IdentifiedMessage): RelistedEntry[] {
  const { uidl, listedOctets, kind } = wanted;
  // A row that was made when the message failed under this unique-id says nothing that its own row does not say.
  const replaces = kind === 'retry' && wanted.rowId !== rowId ? wanted.rowId : undefined;
  return rowId === undefined ? [] : [{ rowId, uidl, listedOctets, copy, replaces }];
}

export function toUidlChange(archived: readonly IdentifiedMessage[]): LedgerBatch['uidlChange'] {
  const followed = archived.filter(({ isRenamed }) => isRenamed).length;
  return followed === 0 ? undefined : { followed, isSettled: false };
}

export function journalsOf(answers: ReadonlyMap<string, SinkAnswer>): NonNullable<LedgerBatch['journals']> {
  const journals = new Map<string, JsonValue>();
  for (const [sink, { journal }] of answers) {
    if (journal !== undefined) {
      journals.set(sink, journal);
    }
  }
  return journals;
}
