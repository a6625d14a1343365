/** One receipt as the values of a row, in the order of INTO_RECEIPT. */
import type { PlacedReceipt } from './account-rows.ts';
import type { ArchiveIds } from './archive-ids.ts';
import { FORM_CODES, PROOF_CODES } from './codes.ts';
import type { SqlParameter } from './sqlite.ts';
import { encodeText } from './text-code.ts';

export function receiptValues(
  rowId: number,
  sinkId: number,
  archives: ArchiveIds,
  { root, receipt }: PlacedReceipt,
): SqlParameter[] {
  return [
    rowId,
    sinkId,
    archives.of(sinkId, root),
    encodeText(receipt.location),
    FORM_CODES[receipt.form],
    receipt.storedOctets,
    PROOF_CODES[receipt.proof],
    receipt.provedAt,
  ];
}
