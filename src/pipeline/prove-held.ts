/**
 * The last look before DELE: whether every sink still holds what it proved in an earlier run. A receipt says what was true
 * when it was given; since then a disk may have died, a folder may have been emptied, an mbox rewritten. It reads, and
 * decides nothing.
 */
import type { AccountLedger, MessageRow, RecordedReceipt } from '../ledger/ledger.ts';
import type { Sink } from '../sink/sink.ts';
import { compareReceipts } from './verify-receipts.ts';

export interface HeldMessages {
  /** Rows that every sink has given back, octet for octet, just now. */
  readonly held: ReadonlySet<number>;
  /** What was found first in place of one that is not held, in words. */
  readonly difference: string | undefined;
}

export interface ProveHeldOptions {
  readonly account: string;
  readonly rows: Pick<AccountLedger, 'rows' | 'receipts' | 'journal'>;
  readonly sinks: readonly Sink[];
  readonly now: () => number;
}

/** @throws MailferryError where a sink cannot be asked, which is no difference: then nothing is known of any of them. */
export async function proveHeld(rowIds: readonly number[], options: ProveHeldOptions): Promise<HeldMessages> {
  const rows = options.rows.rows(rowIds);
  let held = new Set(rowIds);
  let difference: string | undefined;
  for (const sink of options.sinks) {
    const given = new Set<number>();
    for (const [root, receipts] of receiptsByRoot(sink, rows, options)) {
      for await (const { rowId, detail } of readBack(sink, root, receipts, options)) {
        if (detail === undefined) {
          given.add(rowId);
        } else {
          difference ??= `${sink.name}: ${detail}`;
        }
      }
    }
    // What a sink says nothing about is not held.
    held = new Set([...held].filter((rowId) => given.has(rowId)));
  }
  return { held, difference };
}

function receiptsByRoot(
  sink: Sink,
  rows: readonly MessageRow[],
  { rows: ledger }: ProveHeldOptions,
): ReadonlyMap<string, readonly RecordedReceipt[]> {
  const byRoot = new Map<string, RecordedReceipt[]>();
  for (const { rowId, uidl, listedOctets, state } of rows) {
    const placed = ledger.receipts(rowId).get(sink.name);
    if (placed !== undefined) {
      const receipts = byRoot.get(placed.root) ?? [];
      byRoot.set(placed.root, receipts);
      receipts.push({ rowId, uidl, listedOctets, state, receipt: placed.receipt });
    }
  }
  return byRoot;
}

async function* readBack(
  sink: Sink,
  root: string,
  receipts: readonly RecordedReceipt[],
  { account, rows, now }: ProveHeldOptions,
): AsyncGenerator<{ readonly rowId: number; readonly detail: string | undefined }> {
  const reader = await sink.openReader({ accountId: account, root, journal: rows.journal(sink.name) });
  try {
    const { signal } = new AbortController();
    for await (const { recorded, found } of compareReceipts(reader, receipts, { now, signal })) {
      yield { rowId: recorded.rowId, detail: found.kind === 'intact' ? undefined : found.detail };
    }
  } finally {
    await reader.close();
  }
}
