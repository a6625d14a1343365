/**
 * `mailferry plan JOB…`: what a run would do. It asks UIDL, LIST and TOP only, and writes nothing.
 */
import { assembleSources } from '../../job/assemble.ts';
import type { Job } from '../../job/job.ts';
import { loadJob } from '../../job/load-job.ts';
import { openLedgerReader } from '../../ledger/open-reader.ts';
import { type AccountPlan, planJob } from '../../pipeline/plan-job.ts';
import type { TraceFile } from '../../pop3/trace-file.ts';
import { printable } from '../../report/format.ts';
import { EXIT, type ExitCode, exitCodeOfOutcome, worstExitCode } from '../exit-code.ts';
import { watchInterrupt } from '../interrupt.ts';
import type { CliIo } from '../io.ts';
import { openCliReporter } from '../open-cli-reporter.ts';
import { openTrace } from '../open-trace.ts';
import type { RetryOptions, SessionOptions } from '../options.ts';
import { renderMessages, renderPlans } from '../plan-table.ts';
import { selectAccounts } from '../select-accounts.ts';

export async function plan(files: readonly string[], options: RetryOptions, io: CliIo): Promise<ExitCode> {
  const jobs = await Promise.all(files.map(loadJob));
  const trace = openTrace(options, io);
  const codes: ExitCode[] = [EXIT.done];
  try {
    for (const job of jobs) {
      codes.push(await planOne(job, options, io, trace));
    }
  } finally {
    trace?.close();
  }
  return worstExitCode(codes);
}

async function planOne(
  job: Job,
  options: RetryOptions,
  io: CliIo,
  trace: TraceFile | undefined,
): Promise<ExitCode> {
  const accounts = selectAccounts(job.accounts, options.account);
  const reporter = openCliReporter(
    { ...(options.logLevel && { logLevel: options.logLevel }), quiet: true },
    io,
  );
  const interrupt = watchInterrupt((text) => reporter.report({ type: 'logged', level: 'warn', text }));
  const reader = openLedgerReader({ statePath: job.statePath, sinks: job.sinks.map(({ name }) => name) });
  try {
    const sources = await assembleSources(job, {
      accounts,
      emit: (event) => reporter.report(event),
      dropSignal: interrupt.stopSignal,
      env: io.env,
      traceFor: trace?.traceFor,
    });
    const { outcome, accounts: plans } = await planJob({
      accounts: sources,
      limits: job.limits,
      select: job.select,
      isRetryingQuarantined: options.retry === 'quarantined',
      deletion: job.deletion,
      now: Date.now,
      emit: (event) => reporter.report(event),
      dropSignal: interrupt.stopSignal,
      rowsOf: (account) => reader?.account(account),
    });
    await reporter.close();
    show(job, plans, options, io);
    return exitCodeOfOutcome(outcome);
  } finally {
    reader?.close();
    interrupt.release();
    await reporter.close();
  }
}

function show(job: Job, plans: readonly AccountPlan[], options: SessionOptions, { stdout }: CliIo): void {
  if (options.json === true) {
    for (const account of plans) {
      stdout.write(`${JSON.stringify({ event: 'account.planned', job: job.name, ...account })}\n`);
    }
    return;
  }
  stdout.write(`${renderPlans(plans).join('\n')}\n`);
  for (const { account, failure, deletion } of plans) {
    for (const text of [failure, exceeded(deletion)]) {
      if (text !== undefined) {
        stdout.write(`${printable(`${account}: ${text}`)}\n`);
      }
    }
  }
  if (options.verbose === true) {
    stdout.write(`\n${renderMessages(plans).join('\n')}\n`);
  }
}

function exceeded(deletion: AccountPlan['deletion']): string | undefined {
  const percent = deletion?.exceededPercent ?? null;
  return percent === null
    ? undefined
    : `${percent.toFixed(1)} % of the listed messages are due for deletion, more than delete.maxPercent: none would be deleted`;
}
