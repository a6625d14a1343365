/** A stored message as the values of a row, in the order of STORED_ROW and UPDATE_STORED; and what such an entry must fulfil. */
import { STATE_CODES } from './codes.ts';
import { type RowFacts, stateAfterStore } from './decide-state.ts';
import type { StoredEntry } from './ledger.ts';
import type { SqlParameter } from './sqlite.ts';
import { encodeNote, encodeText } from './text-code.ts';

const DIGEST = /^[0-9a-f]{64}$/;

/** What an entry that lacks receipts and gives no reason is recorded with. */
const INCOMPLETE = {
  code: 'ledger-incomplete',
  text: 'not every sink of the job has given a receipt',
} as const;

/** @throws Error where the receipts are not proofs of the one digest: a defect of the caller, caught before it is recorded */
export function storedValues(
  entry: StoredEntry,
  mask: bigint,
  row: RowFacts,
  now: number,
): readonly SqlParameter[] {
  assertDigests(entry);
  const failure = row.isComplete ? undefined : (entry.failure ?? INCOMPLETE);
  return [
    encodeText(entry.uidl),
    entry.listedOctets,
    entry.octets,
    entry.sha256,
    entry.headerSha256,
    entry.copy,
    mask,
    STATE_CODES[stateAfterStore(row, entry.quarantine)],
    row.isComplete ? now : null,
    failure === undefined || entry.isAttempt === false ? 0 : 1,
    failure === undefined ? null : now,
    failure === undefined ? null : encodeNote(failure.code),
    failure === undefined ? null : encodeNote(failure.text),
  ];
}

function assertDigests(entry: StoredEntry): void {
  if (!DIGEST.test(entry.sha256) || !DIGEST.test(entry.headerSha256)) {
    throw new Error(`not 64 lower-case hex digits: ${entry.sha256} or ${entry.headerSha256}`);
  }
  for (const [sinkName, { receipt }] of entry.receipts) {
    if (receipt.sha256 !== entry.sha256) {
      throw new Error(`the receipt of ${sinkName} is for ${receipt.sha256}, the message is ${entry.sha256}`);
    }
  }
}
