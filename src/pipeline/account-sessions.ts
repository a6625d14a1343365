/**
 * The sessions of one account in one run, one after the other, until the maildrop is done: POP3 locks it, so there is never
 * more than one. Whether another one is needed, and how it is opened, is decided in decide-next-session.ts.
 */
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import type { Pop3Client } from '../pop3/client.ts';
import type { OpeningListener, OpeningStep } from '../pop3/open-client.ts';
import { runSession } from './account-session.ts';
import { type AccountWork, log } from './account-work.ts';
import {
  decideNextSession,
  firstSession,
  type NextSession,
  type SessionEnd,
  type SessionPlan,
} from './decide-next-session.ts';
import { decidePipelining, TROUBLE_LASTS_MS } from './decide-pipelining.ts';
import { findLost, type LostRows } from './refetch-lost.ts';
import { RowsAhead } from './rows-ahead.ts';
import { noteLoss } from './settle-losses.ts';

const NOTHING_LOST: LostRows = new Map();

/** @throws what ended the account before it was done. */
export async function archiveInSessions(work: AccountWork): Promise<void> {
  const { stopSignal, dropSignal, isRefetching } = work.context;
  let lost = isRefetching === true ? await findLost(work) : NOTHING_LOST;
  let plan = firstSession(knownPipelining(work));
  let end: SessionEnd | undefined;
  for (;;) {
    const ended = await nextSession(plan, lost, end, work);
    if (ended === 'no-session') {
      return;
    }
    if (ended === 'waited') {
      continue;
    }
    end = ended;
    // What was listed and taken back is not lost any more.
    lost = end.listed === 0 ? lost : NOTHING_LOST;
    plan = { ...plan, pipelining: await rememberPipelining(plan, end, work) };
    const isStopping = stopSignal.aborted || dropSignal.aborted;
    const next = decideNextSession(plan, end, { drain: work.source.drain ?? 'auto', isStopping });
    if (next.kind === 'none') {
      return;
    }
    settleBreak(next, end, work);
    if (next.kind === 'stop') {
      throw next.cause;
    }
    tellNext(next, plan, end, work);
    work.context.failpoint(end.kind === 'broken' ? 'session.broken' : 'session.ended');
    plan = next.plan;
  }
}

/** @returns how it ended; `waited` where it was refused as a whole (its listing, say) and another may do better. */
async function nextSession(
  plan: SessionPlan,
  lost: LostRows,
  last: SessionEnd | undefined,
  work: AccountWork,
): Promise<SessionEnd | 'no-session' | 'waited'> {
  // What is lost changes rows once it is listed.
  const known = lost.size > 0 ? undefined : new RowsAhead(work.rows.known(), work.rowBudget);
  const onStep = (step: OpeningStep): void => {
    if (step === 'logging-in') {
      known?.begin();
    }
  };
  try {
    const client = await openNext(plan, last, work, onStep);
    return client === undefined
      ? 'no-session'
      : await runSession(client, work, { plan, lost, known }).catch((cause) => outwait(cause, work));
  } finally {
    known?.release();
  }
}

/** @throws what cannot be waited for. */
async function outwait(cause: unknown, { source }: AccountWork): Promise<'waited'> {
  if ((await source.outwait?.(cause)) !== true) {
    throw cause;
  }
  return 'waited';
}

/** @returns undefined where there is no session now, and none is needed to call the account done. */
async function openNext(
  plan: SessionPlan,
  last: SessionEnd | undefined,
  work: AccountWork,
  onStep: OpeningListener,
): Promise<Pop3Client | undefined> {
  try {
    return await work.source.open(work.context.dropSignal, { onStep });
  } catch (thrown) {
    if (plan.suspect !== undefined && last?.kind === 'broken') {
      const { cause, part } = last;
      noteLoss({ wanted: plan.suspect, cause, part }, work);
    }
    const isLater = thrown instanceof MailferryError && thrown.retry !== 'never';
    if (plan.why !== 'drain' || plan.isDrainProven || !isLater) {
      throw thrown;
    }
    log(work, 'info', `whether the server shows more is left to the next run: ${textOf(thrown)}`);
    return undefined;
  }
}

function knownPipelining({ source, context }: AccountWork): SessionPlan['pipelining'] {
  const trouble = context.ledger.pipeliningTrouble(source.host);
  const state = decidePipelining(trouble?.noticedAt, context.now());
  if (state.kind === 'avoided' && trouble !== undefined) {
    const since = new Date(trouble.noticedAt).toISOString().slice(0, 10);
    const text = `no pipelining with ${source.host}, where it broke on ${since}: ${trouble.reason}`;
    context.emit({ type: 'logged', level: 'debug', account: source.id, text });
  }
  return state;
}

/** What broke with pipelining has gone through without: the host is remembered, for all accounts and runs. */
async function rememberPipelining(
  { pipelining }: SessionPlan,
  end: SessionEnd,
  work: AccountWork,
): Promise<SessionPlan['pipelining']> {
  const { source, context } = work;
  if (pipelining.kind !== 'blamed' || pipelining.isDoubted || end.kind === 'broken') {
    return pipelining;
  }
  await context.ledger.recordPipeliningTrouble(source.host, pipelining.reason);
  context.failpoint('pipelining.noted');
  const days = TROUBLE_LASTS_MS / 86_400_000;
  const text = `pipelining does not work with ${source.host} (${pipelining.reason}), the session without it did`;
  log(work, 'warn', `${text}; it is not used there for ${days} days`);
  return { ...pipelining, kind: 'avoided' };
}

/** A message that has failed by itself, or at which the account ends, is left out; whose fault it was shows afterwards. */
function settleBreak(next: NextSession, end: SessionEnd, work: AccountWork): void {
  if (end.kind !== 'broken') {
    return;
  }
  const isEnd = next.kind === 'stop' && !work.context.stopSignal.aborted;
  const failed = next.kind === 'again' ? next.ruledOut : isEnd ? end.at : undefined;
  if (failed !== undefined) {
    noteLoss({ wanted: failed, cause: end.cause, part: end.part }, work);
  }
}

function tellNext(
  { plan: { pipelining, suspect, why }, ruledOut }: Extract<NextSession, { kind: 'again' }>,
  before: SessionPlan,
  end: SessionEnd,
  work: AccountWork,
): void {
  if (why === 'budget') {
    log(work, 'info', 'the session has fetched what it may; another one goes on');
    return;
  }
  if (end.kind !== 'broken') {
    log(work, 'info', 'the server may show only a part of the mailbox: looking for more');
    return;
  }
  const changed = pipelining.kind === before.pipelining.kind ? undefined : pipelining.kind;
  const how = [
    ruledOut === undefined ? undefined : 'without the message at which it broke twice',
    suspect === undefined ? undefined : 'with the message at which it broke first and alone',
    changed === 'blamed' ? 'without pipelining' : undefined,
  ].filter((part) => part !== undefined);
  log(work, 'warn', `the session broke: ${end.cause.message}; opening another ${how.join(', ')}`.trimEnd());
}
