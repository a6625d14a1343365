/**
 * Follows every receipt of a ledger to the octets that it names and turns them back into the form of the wire, in a separate
 * Python program: it reads the ledger by SQL and the archives by the rules of the formats, and shares no code with the product.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('./receipts.py', import.meta.url));

export interface FollowedReceipt {
  readonly sink: string;
  readonly uidl: string;
  readonly form: 'exact' | 'lf';
  /** SHA-256 of the wire form, as the ledger says. */
  readonly claimedSha256: string;
  /** SHA-256 of the wire form, made of what lies in the sink. */
  readonly wireSha256: string;
}

export async function readReceipts(ledger: string, account: string): Promise<FollowedReceipt[]> {
  const { stdout } = await run('python3', [SCRIPT, ledger, account], { maxBuffer: 1 << 28 });
  const lines = stdout.split('\n').filter((line) => line !== '');
  // The script beside this file prints exactly this shape.
  return lines.map((line) => JSON.parse(line) as FollowedReceipt);
}
