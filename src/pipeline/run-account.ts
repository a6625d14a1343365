/**
 * One account in one run: its sessions, and what they came to. Whatever happens here stays here: the result says it.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { AccountRun, Outcome } from '../ledger/ledger.ts';
import { archiveInSessions } from './account-sessions.ts';
import { noteOf } from './account-work.ts';
import type { AccountSource, JobContext } from './context.ts';
import { Tally } from './counts.ts';
import { outcomeOfFailure, worstOutcome } from './decide-outcome.ts';
import { elapsed } from './elapsed.ts';
import { ListedInRun } from './listed-in-run.ts';
import type { RowBudget } from './rows-ahead.ts';
import { settleLosses } from './settle-losses.ts';
import { TriedMessages } from './tried-messages.ts';

/** What an account came to; `cause` is what ended it early. */
export interface AccountResult {
  readonly run: AccountRun;
  readonly cause: unknown;
}

export async function runAccount(
  source: AccountSource,
  context: JobContext,
  rowBudget: RowBudget,
): Promise<AccountResult> {
  const startedAt = context.now();
  const tally = new Tally();
  const outcomes = new Set<Outcome>();
  let cause: unknown;
  context.emit({ type: 'account.started', account: source.id, host: source.host });
  try {
    const rows = context.ledger.openAccount(source);
    const uidls = { isChanged: false };
    const shown = { listed: new ListedInRun(), wanted: new ListedInRun(), skipped: new ListedInRun() };
    const tried = new TriedMessages();
    const settled = new Set<string>();
    const work = {
      source,
      context,
      rows,
      rowBudget,
      tally,
      shown,
      settled,
      outcomes,
      tried,
      losses: [],
      uidls,
    };
    try {
      await archiveInSessions(work);
    } finally {
      // Nobody knows what the server was like after these.
      await settleLosses(work, { isServerWell: false });
    }
  } catch (thrown) {
    cause = thrown;
    outcomes.add(context.dropSignal.aborted ? 'interrupted' : outcomeOfFailure(thrown));
  }
  const counts = tally.toCounts();
  if (counts.quarantined > 0) {
    outcomes.add('failed');
  }
  if (context.stopSignal.aborted && counts.unreached > 0) {
    outcomes.add('interrupted');
  }
  const outcome = worstOutcome(outcomes);
  const failure = cause === undefined ? undefined : noteOf(cause);
  const finishedAt = context.now();
  context.emit({
    type: 'account.finished',
    account: source.id,
    outcome,
    counts,
    failure,
    hint: cause instanceof MailferryError ? cause.hint : undefined,
    durationMs: elapsed(startedAt, finishedAt),
  });
  return { run: { account: source.id, outcome, counts, startedAt, finishedAt, failure }, cause };
}
