/**
 * Reads back what a receipt names and compares: always the octets, never the store's word, since this is asked long after,
 * and by somebody who wants to know. Changes nothing, and asks the store for nothing but the object.
 */
import type { ObjectStore } from './object-store.ts';
import { parseLocation } from './s3-key.ts';
import { readBack } from './s3-proof.ts';
import type { Retry } from './s3-retry.ts';
import type { Receipt, Verification } from './sink.ts';

/** @throws MailferryError where the store cannot be asked, which is no difference. */
export async function verifyReceipt(
  store: ObjectStore,
  retry: Retry,
  receipt: Receipt,
): Promise<Verification> {
  const name = parseLocation(receipt.location);
  // Each key holds its digest, so a receipt for something else is not of this archive.
  if (!name.key.includes(receipt.sha256)) {
    return { kind: 'missing', detail: `no object of this archive has the key ${name.key}` };
  }
  const { signal } = new AbortController();
  const expected = { octets: receipt.storedOctets, sha256: receipt.sha256 };
  const finding = await retry.run(`read ${name.key}`, () => readBack(store, name, expected, signal), signal);
  switch (finding.kind) {
    case 'same':
      return { kind: 'intact' };
    case 'different':
      return { kind: 'changed', detail: finding.detail };
    default:
      return { kind: 'missing', detail: `there is no object ${receipt.location}` };
  }
}
