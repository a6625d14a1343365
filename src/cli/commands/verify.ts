/**
 * `mailferry verify JOB…`: every sink read back against the receipts in the ledger. It asks no server, needs no password of
 * an account, works beside a run, and changes nothing.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import { assembleReadableSinks } from '../../job/assemble.ts';
import type { Job } from '../../job/job.ts';
import { loadJob } from '../../job/load-job.ts';
import type { LedgerReader } from '../../ledger/ledger.ts';
import { openLedgerReader } from '../../ledger/open-reader.ts';
import { verifyJob } from '../../pipeline/verify-job.ts';
import { EXIT, type ExitCode, exitCodeOfError, worstExitCode } from '../exit-code.ts';
import { type Interrupt, watchInterrupt } from '../interrupt.ts';
import type { CliIo } from '../io.ts';
import { openCliReporter } from '../open-cli-reporter.ts';
import type { VerifyOptions } from '../options.ts';
import { selectAccounts } from '../select-accounts.ts';
import { tellError } from '../tell-error.ts';

export async function verify(files: readonly string[], options: VerifyOptions, io: CliIo): Promise<ExitCode> {
  const jobs = await Promise.all(files.map(loadJob));
  const codes: ExitCode[] = [EXIT.done];
  for (const job of jobs) {
    codes.push(await verifyOne(job, options, io));
  }
  return worstExitCode(codes);
}

async function verifyOne(job: Job, options: VerifyOptions, io: CliIo): Promise<ExitCode> {
  const reporter = openCliReporter(options, io);
  const interrupt = watchInterrupt((text) => reporter.report({ type: 'logged', level: 'warn', text }));
  const emit: typeof reporter.report = (event) => reporter.report(event);
  try {
    return await verifyAssembled(job, options, io, { emit, interrupt });
  } catch (cause) {
    await reporter.close();
    tellError(cause, io);
    return exitCodeOfError(cause);
  } finally {
    interrupt.release();
    await reporter.close();
  }
}

interface VerifyParts {
  readonly emit: Parameters<typeof verifyJob>[0]['emit'];
  readonly interrupt: Interrupt;
}

async function verifyAssembled(
  job: Job,
  { account, sample, since }: VerifyOptions,
  { env }: CliIo,
  { emit, interrupt }: VerifyParts,
): Promise<ExitCode> {
  const ledger = openLedgerReader({ statePath: job.statePath, sinks: job.sinks.map(({ name }) => name) });
  if (ledger === undefined) {
    throw noLedger(job);
  }
  try {
    const accounts = selectAccounts(accountsOf(job, ledger), account).map(({ id }) => id);
    const sinks = await assembleReadableSinks(job, { emit, env, dropSignal: interrupt.dropSignal });
    try {
      const { verdict } = await verifyJob({
        job: job.name,
        accounts,
        ledger,
        sinks,
        scope: { share: sample ?? 1, since },
        random: Math.random,
        now: Date.now,
        emit,
        stopSignal: interrupt.stopSignal,
      });
      return EXIT[verdict];
    } finally {
      await Promise.all(sinks.map((sink) => sink.close()));
    }
  } finally {
    ledger.close();
  }
}

/** Those of the job, then those that it had before: their archives are still to be kept. */
function accountsOf(job: Job, ledger: LedgerReader): readonly { readonly id: string }[] {
  const ids = new Set([
    ...job.accounts.map(({ id }) => id),
    ...ledger.accounts().map((summary) => summary.account),
  ]);
  return [...ids].map((id) => ({ id }));
}

/** Without receipts everything would be extra: that the ledger is lost must not look like an archive that is kept. */
function noLedger({ name, statePath }: Job): MailferryError {
  return new MailferryError(
    `the job ${name} has no ledger in ${statePath}: there is nothing to compare with`,
    {
      code: 'usage-no-ledger',
      scope: 'run',
      retry: 'never',
      hint: 'run the job first; if it has run before, look for its state folder',
    },
  );
}
