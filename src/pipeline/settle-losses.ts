/**
 * Messages at which a session broke. Whether that is the message's fault shows only afterwards: a server that lists the
 * maildrop again in the same run is well, and the line to it too. So a loss waits for the next session, or the account's end.
 */
import type { AccountWork, LostMessage } from './account-work.ts';
import { toFailedEntry } from './batch-entries.ts';
import { judgeWith } from './judge-failure.ts';
import { keepPartsFor } from './keep-parts.ts';
import { tellFailures } from './tell-failures.ts';

/** The message is left out by later sessions of this run. */
export function noteLoss(loss: LostMessage, { tried, losses }: AccountWork): void {
  losses.push(loss);
  tried.add(loss.wanted);
}

/** Records, counts and tells the losses so far like any other failure. */
export async function settleLosses(
  work: AccountWork,
  facts: { readonly isServerWell: boolean },
): Promise<void> {
  const losses = work.losses.splice(0);
  if (losses.length === 0) {
    return;
  }
  // Each of these messages failed once in this run: now.
  const judge = judgeWith({ ...work, tried: { has: () => false } });
  const failed = losses.map(({ wanted, cause, part }) => ({
    ...judge({ wanted, cause, kind: 'broken', ...facts }),
    part,
  }));
  const kept = await keepPartsFor(work)(failed);
  await work.rows.record({ failed: kept.map(toFailedEntry) });
  tellFailures(kept, work);
}
