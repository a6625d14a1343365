/**
 * Verification of a job: every account through the pool, and what it all came to. It reads sinks and the ledger, beside a
 * running job too, and changes nothing anywhere. It needs no server.
 */

import type { LedgerReader, RecordedArchive } from '../ledger/ledger.ts';
import { runInPool } from './account-pool.ts';
import { elapsed } from './elapsed.ts';
import { addVerified, NOTHING_VERIFIED, type Verdict, type VerifiedCounts, worstVerdict } from './verdict.ts';
import { type AccountVerification, type VerificationContext, verifyAccount } from './verify-account.ts';

export interface VerifyJobContext extends Omit<VerificationContext, 'tellsForeign'> {
  readonly job: string;
  /** Ids. */
  readonly accounts: readonly string[];
  readonly ledger: Pick<LedgerReader, 'account'>;
}

/** Accounts at the same time: more would only make a disk seek. */
const WIDTH = 4;

/** Failures of accounts are in the result. */
export async function verifyJob(
  context: VerifyJobContext,
): Promise<{ verdict: Verdict; counts: VerifiedCounts }> {
  const { job, accounts, ledger, emit, now } = context;
  const startedAt = now();
  emit({ type: 'verification.started', job, accounts: accounts.length });
  const results: AccountVerification[] = [];
  const tellsForeign = firstAtEachPlace();
  const items = accounts.map((id) => ({ id, host: '' }));
  await runInPool(items, { accounts: WIDTH, perHost: WIDTH }, async ({ id }) => {
    results.push(await verifyAccount(id, ledger.account(id), { ...context, tellsForeign }));
  });
  const verdict = worstVerdict(results.map((result) => result.verdict));
  const counts = results.reduce((sum, result) => addVerified(sum, result.counts), NOTHING_VERIFIED);
  const durationMs = elapsed(startedAt, now());
  emit({ type: 'verification.finished', job, verdict, accounts: accounts.length, counts, durationMs });
  return { verdict, counts };
}

/** True once for each place of a sink. */
function firstAtEachPlace(): (archive: RecordedArchive) => boolean {
  const places = new Set<string>();
  return ({ sink, root }) => {
    const place = JSON.stringify([sink, root]);
    const isFirst = !places.has(place);
    places.add(place);
    return isFirst;
  };
}
