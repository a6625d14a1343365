/**
 * Failed system calls of sinks as graded errors: the one table of what each means for the run.
 */
import { type ErrorFacts, MailferryError, systemCodeOf, textOf } from '../errors/mailferry-error.ts';

type Grade = Omit<ErrorFacts, 'cause'>;

const sinkNever = (code: string, hint: string): Grade => ({ code, scope: 'sink', retry: 'never', hint });

const FULL = sinkNever('sink-full', 'Make room on that disk (or raise the quota), then run again.');
const DENIED = sinkNever('sink-denied', 'Give the user that runs mailferry the right to write there.');
const READ_ONLY = sinkNever('sink-read-only', 'Mount the file system for writing, then run again.');
const NO_FOLDER = sinkNever(
  'sink-no-folder',
  'A part of the path is missing or is no folder: look at the path of the sink.',
);
const IO = sinkNever(
  'sink-io',
  'The disk reports errors: look at the system log before anything is written there again.',
);
const TOO_MANY_FILES: Grade = {
  code: 'sink-too-many-files',
  scope: 'sink',
  retry: 'later',
  hint: 'Raise the limit of open files (ulimit -n) or let fewer accounts run at the same time.',
};

/** No system call failed: a defect, here or in a journal. */
const UNEXPECTED = sinkNever(
  'sink-unexpected',
  'This should not happen: please report it with the text above.',
);

const GRADES: ReadonlyMap<string, Grade> = new Map([
  ['ENOSPC', FULL],
  ['EDQUOT', FULL],
  ['EFBIG', sinkNever('sink-full', 'The file is as large as its file system or limit allows.')],
  ['EROFS', READ_ONLY],
  ['EACCES', DENIED],
  ['EPERM', DENIED],
  ['ENOENT', NO_FOLDER],
  ['ENOTDIR', NO_FOLDER],
  ['EISDIR', NO_FOLDER],
  ['ELOOP', NO_FOLDER],
  [
    'ENAMETOOLONG',
    sinkNever('sink-no-folder', 'The path is longer than the file system allows: shorten it.'),
  ],
  ['EMFILE', TOO_MANY_FILES],
  ['ENFILE', TOO_MANY_FILES],
]);

/** What was thrown, graded; `doing` completes "cannot …": `write /mail/alice/tmp`. What is graded already stays. */
export function sinkError(doing: string, thrown: unknown): MailferryError {
  if (thrown instanceof MailferryError) {
    return thrown;
  }
  const code = systemCodeOf(thrown);
  const grade = code === undefined ? UNEXPECTED : (GRADES.get(code) ?? IO);
  return new MailferryError(`cannot ${doing}: ${textOf(thrown)}`, { ...grade, cause: thrown });
}

/** Whether it is about one message alone, so that the rest of the batch may go on. */
export function isMessageError(thrown: unknown): thrown is MailferryError {
  return thrown instanceof MailferryError && thrown.scope === 'message';
}

/** @throws MailferryError `sink-interrupted` (scope account) once the run is to stop. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) {
    throw new MailferryError('storing was interrupted before the batch was durable', {
      code: 'sink-interrupted',
      scope: 'account',
      retry: 'later',
      hint: 'Nothing of the batch counts as stored; the next run stores it.',
      cause: signal.reason,
    });
  }
}

/** Whether a system call failed because there is no such file. */
export function isNotFound(thrown: unknown): boolean {
  return systemCodeOf(thrown) === 'ENOENT';
}
