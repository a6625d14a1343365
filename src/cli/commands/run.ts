/**
 * `mailferry run JOB…`: load, assemble, run, report. One job after the other; each has its own ledger and lock.
 */
import { assembleJob } from '../../job/assemble.ts';
import type { Job } from '../../job/job.ts';
import { loadJob } from '../../job/load-job.ts';
import { runJob } from '../../pipeline/run-job.ts';
import type { TraceFile } from '../../pop3/trace-file.ts';
import type { Reporter } from '../../report/reporter.ts';
import { type ExitCode, exitCodeOfError, exitCodeOfOutcome, worstExitCode } from '../exit-code.ts';
import { type Interrupt, watchInterrupt } from '../interrupt.ts';
import type { CliIo } from '../io.ts';
import { limitOptimiser } from '../limit-optimiser.ts';
import { openCliReporter } from '../open-cli-reporter.ts';
import { openTrace } from '../open-trace.ts';
import type { RunOptions } from '../options.ts';
import { selectAccounts } from '../select-accounts.ts';
import { tellError } from '../tell-error.ts';

export async function run(
  files: readonly string[],
  options: RunOptions,
  io: CliIo,
  version: string,
): Promise<ExitCode> {
  // All definitions are read before the first run begins: a mistake in the second shows at once.
  const jobs = await Promise.all(files.map(loadJob));
  const trace = openTrace(options, io);
  const codes: ExitCode[] = [];
  try {
    for (const job of jobs) {
      codes.push(await runOne(job, options, io, version, trace));
    }
  } finally {
    trace?.close();
  }
  return worstExitCode(codes);
}

async function runOne(
  job: Job,
  options: RunOptions,
  io: CliIo,
  version: string,
  trace: TraceFile | undefined,
): Promise<ExitCode> {
  const accounts = selectAccounts(job.accounts, options.account);
  const reporter = openCliReporter(options, io);
  const interrupt = watchInterrupt((text) => reporter.report({ type: 'logged', level: 'warn', text }));
  try {
    tellWarnings(job, reporter);
    return await runAssembled(job, accounts, {
      ...{ reporter, interrupt, io, version, trace },
      isRefetching: options.refetch === 'missing',
      isRetryingQuarantined: options.retry === 'quarantined',
    });
  } catch (cause) {
    await reporter.close();
    tellError(cause, io);
    return exitCodeOfError(cause);
  } finally {
    interrupt.release();
    await reporter.close();
  }
}

interface RunParts {
  readonly reporter: Reporter;
  readonly interrupt: Interrupt;
  readonly io: CliIo;
  readonly version: string;
  readonly trace: TraceFile | undefined;
  readonly isRefetching: boolean;
  readonly isRetryingQuarantined: boolean;
}

async function runAssembled(job: Job, accounts: Job['accounts'], parts: RunParts): Promise<ExitCode> {
  const { reporter, interrupt, io, version, trace, isRefetching, isRetryingQuarantined } = parts;
  const assembled = await assembleJob(job, {
    accounts,
    version,
    isRefetching,
    isRetryingQuarantined,
    emit: (event) => reporter.report(event),
    now: Date.now,
    stopSignal: interrupt.stopSignal,
    dropSignal: interrupt.dropSignal,
    env: io.env,
    traceFor: trace?.traceFor,
  });
  limitOptimiser();
  try {
    const { outcome } = await runJob(assembled.context);
    return exitCodeOfOutcome(outcome);
  } finally {
    await assembled.close();
  }
}

function tellWarnings(job: Job, reporter: Reporter): void {
  for (const { path, text } of job.warnings) {
    reporter.report({ type: 'logged', level: 'warn', text: `${path}: ${text}` });
  }
}
