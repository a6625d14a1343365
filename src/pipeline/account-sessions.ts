/**
 * The sessions of one account in one run, one after the other, until the maildrop is done: POP3 locks it, so there is never
 * more than one. Whether another one is needed is decided in decide-next-session.ts.
 */
import { runSession } from './account-session.ts';
import { type AccountWork, log } from './account-work.ts';
import { decideNextSession } from './decide-next-session.ts';
import { findLost, type LostRows } from './refetch-lost.ts';
import { noteLoss } from './settle-losses.ts';

/** @throws what ended the account before it was done. */
export async function archiveInSessions(work: AccountWork): Promise<void> {
  const { stopSignal, dropSignal, isRefetching } = work.context;
  const lost: LostRows = isRefetching === true ? await findLost(work) : new Map();
  for (let sessions = 1; ; sessions += 1) {
    // What the first session takes back is not lost any more.
    const end = await runSession(work, sessions === 1 ? lost : new Map());
    const isStopping = stopSignal.aborted || dropSignal.aborted;
    const next = decideNextSession(end, { sessions, isStopping });
    if (next.kind === 'none') {
      return;
    }
    if (next.kind === 'stop') {
      throw next.cause;
    }
    const { wanted, cause } = next.without;
    noteLoss({ wanted, cause, part: end.kind === 'broken' ? end.part : undefined }, work);
    log(work, 'warn', `the session broke at a message: ${cause.message}; going on without it`);
  }
}
