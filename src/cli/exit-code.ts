/**
 * The one table of exit codes, and the one place that decides among them.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { Outcome } from '../ledger/ledger.ts';

export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  failed: 3,
  different: 4,
  waiting: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** With several, the first of these wins. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.unexpected,
  EXIT.interrupted,
  EXIT.usage,
  EXIT.different,
  EXIT.failed,
  EXIT.waiting,
];

export const EXIT_HELP = `Exit codes:
  0    all done (warnings alone are 0)
  1    unexpected error: a defect, please report it
  2    wrong usage or job definition, or a secret that cannot be had
  3    a message or account failed, or is quarantined, for a reason that will not pass by itself
  4    verification found a difference
  5    all that failed will pass by itself: the next run will do it
  130  interrupted; nothing is lost, the next run goes on`;

export function exitCodeOfOutcome(outcome: Outcome): ExitCode {
  return EXIT[outcome];
}

/** The code for a failure that ended a command before there was an outcome. */
export function exitCodeOfError(cause: unknown): ExitCode {
  if (!(cause instanceof MailferryError)) {
    return EXIT.unexpected;
  }
  if (
    cause.code.startsWith('job-invalid') ||
    cause.code.startsWith('secret-') ||
    cause.code.startsWith('usage-')
  ) {
    return EXIT.usage;
  }
  return cause.retry === 'never' ? EXIT.failed : EXIT.waiting;
}

export function worstExitCode(codes: readonly ExitCode[]): ExitCode {
  return PRECEDENCE.find((code) => codes.includes(code)) ?? EXIT.done;
}
