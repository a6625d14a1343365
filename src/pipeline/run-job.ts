/**
 * One run of a job: every account through the pool, each recorded as it ends, and what it all came to.
 */

import { MailferryError } from '../errors/mailferry-error.ts';
import type { AccountCounts, AccountRun, Outcome } from '../ledger/ledger.ts';
import { runInPool } from './account-pool.ts';
import type { AccountSource, JobContext } from './context.ts';
import { addCounts, NO_COUNTS } from './counts.ts';
import { outcomeOfFailure, worstOutcome } from './decide-outcome.ts';
import { elapsed } from './elapsed.ts';
import { withPace } from './pace/paced-source.ts';
import { RunPace } from './pace/run-pace.ts';
import { RowBudget } from './rows-ahead.ts';
import { type AccountResult, runAccount } from './run-account.ts';

export interface RunResult {
  readonly outcome: Outcome;
  readonly counts: AccountCounts;
  readonly accounts: readonly AccountRun[];
}

/** Runs the job once. Failures of accounts are in the result. @throws MailferryError where the ledger cannot be written. */
export async function runJob(context: JobContext): Promise<RunResult> {
  const { ledger, accounts, limits, emit, job, failpoint } = context;
  const startedAt = context.now();
  const runId = await ledger.startRun(context.version);
  emit({ type: 'run.started', job, runId, accounts: accounts.length });
  failpoint('run.started');
  const runs: AccountRun[] = [];
  const halt = new Halt(context.stopSignal);
  const pace = new RunPace(context);
  const rowBudget = new RowBudget();
  await runInPool(accounts, limits, async (source, place) => {
    const reason = halt.reason;
    const { run, cause } =
      reason === undefined
        ? await runAccount(withPace(source, pace, context, place), context, rowBudget)
        : leaveOut(source, context, reason);
    halt.consider(cause);
    runs.push(run);
    await ledger.recordAccountRun(runId, run);
    failpoint('account.recorded');
  });
  const outcome = worstOutcome(runs.map((run) => run.outcome));
  const counts = runs.reduce((sum, run) => addCounts(sum, run.counts), NO_COUNTS);
  await ledger.finishRun(runId, outcome);
  failpoint('run.finished');
  emit({
    type: 'run.finished',
    job,
    runId,
    outcome,
    accounts: accounts.length,
    counts,
    durationMs: elapsed(startedAt, context.now()),
  });
  return { outcome, counts, accounts: runs };
}

/** Why no further account is begun: the run was interrupted, or a full sink or ledger would meet each of them the same. */
class Halt {
  readonly #stopSignal: AbortSignal;
  #reason: MailferryError | undefined;

  constructor(stopSignal: AbortSignal) {
    this.#stopSignal = stopSignal;
  }

  get reason(): MailferryError | undefined {
    return this.#stopSignal.aborted ? interrupted() : this.#reason;
  }

  consider(cause: unknown): void {
    if (cause instanceof MailferryError && (cause.scope === 'sink' || cause.scope === 'run')) {
      this.#reason ??= cause;
    }
  }
}

function interrupted(): MailferryError {
  return new MailferryError('the run was interrupted', { code: 'interrupted', scope: 'run', retry: 'now' });
}

/** An account that was not begun. Nothing is known of it, so nothing is counted. */
function leaveOut(source: AccountSource, { emit, now }: JobContext, reason: MailferryError): AccountResult {
  const failure = { code: reason.code, text: `not begun: ${reason.message}` };
  const outcome = outcomeOfFailure(reason);
  emit({
    type: 'account.finished',
    account: source.id,
    outcome,
    counts: NO_COUNTS,
    failure,
    hint: reason.hint,
    durationMs: 0,
  });
  const at = now();
  const run: AccountRun = {
    account: source.id,
    outcome,
    counts: NO_COUNTS,
    startedAt: at,
    finishedAt: at,
    failure,
  };
  return { run, cause: undefined };
}
