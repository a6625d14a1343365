/**
 * Compares receipts with what a sink holds, one after the other. It decides nothing and changes nothing.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MailferryError } from '../errors/mailferry-error.ts';
import type { RecordedReceipt } from '../ledger/ledger.ts';
import type { SinkReader, Verification } from '../sink/sink.ts';

export interface ComparedReceipt {
  readonly recorded: RecordedReceipt;
  readonly found: Verification | { readonly kind: 'unreadable'; readonly detail: string };
}

/** How many are read at the same time: a disk gains nothing by it, an object store much. */
const WINDOW = 8;
/** So long at most before others get their turn: reading small files never waits by itself. */
const TURN_MS = 50;

/** In the order given, until `signal` is aborted. @throws what makes all further reading useless: a store that is away. */
export async function* compareReceipts(
  reader: SinkReader,
  recorded: Iterable<RecordedReceipt>,
  { now, signal }: { readonly now: () => number; readonly signal: AbortSignal },
): AsyncGenerator<ComparedReceipt> {
  const inFlight: Promise<ComparedReceipt | { readonly thrown: unknown }>[] = [];
  let turnAt = now();
  for (const next of recorded) {
    if (signal.aborted) {
      break;
    }
    inFlight.push(compare(reader, next).catch((thrown: unknown) => ({ thrown })));
    if (inFlight.length === WINDOW) {
      yield await first(inFlight);
    }
    if (now() - turnAt > TURN_MS) {
      await nextTurn();
      turnAt = now();
    }
  }
  while (inFlight.length > 0) {
    yield await first(inFlight);
  }
}

async function first(
  inFlight: Promise<ComparedReceipt | { readonly thrown: unknown }>[],
): Promise<ComparedReceipt> {
  const result = await inFlight.shift();
  if (result === undefined || 'thrown' in result) {
    throw result?.thrown;
  }
  return result;
}

/** What one message's file refuses for good is told of that message; what passes by itself, or is a defect, ends it all. */
async function compare(reader: SinkReader, recorded: RecordedReceipt): Promise<ComparedReceipt> {
  try {
    return { recorded, found: await reader.verify(recorded.receipt) };
  } catch (thrown) {
    if (thrown instanceof MailferryError && thrown.retry === 'never') {
      return { recorded, found: { kind: 'unreadable', detail: thrown.message } };
    }
    throw thrown;
  }
}
