/**
 * Grades what SQLite and the file system throw under the ledger. All of it has scope `run`: without its memory no account
 * can go on. It must not know which statement failed.
 */
import { MailferryError, systemCodeOf, textOf } from '../errors/mailferry-error.ts';

interface Grade {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
}

const FULL: Grade = {
  code: 'ledger-full',
  what: 'has no room left on its disk',
  hint: 'Make room in the state folder; nothing that was recorded is lost.',
};
const IO: Grade = {
  code: 'ledger-io',
  what: 'cannot be read or written',
  hint: 'Check the disk and the permissions of the state folder.',
};
const DAMAGED: Grade = {
  code: 'ledger-damaged',
  what: 'is damaged',
  hint: 'Restore the state folder from a backup, or move it away, and each mbox with it: the next run fetches everything again. A Maildir or object store keeps one copy; an mbox would get a second.',
};
const BUSY: Grade = {
  code: 'ledger-busy',
  what: 'is held by another program',
  hint: 'Close the program that writes to the ledger (an open sqlite3 shell?) and run the job again.',
};
/** A rollback journal is there to be played back, which a reader must not do: the log takes its place once a ledger is made. */
const HALF_WRITTEN: Grade = {
  code: 'ledger-half-written',
  what: 'is in the middle of a change that the machine did not finish',
  hint: 'Run the job: it takes that change back first. Cut off while it was being made, a ledger has nothing in it yet.',
};

/** What a later run finds mended, or does itself. */
const PASSING: readonly Grade[] = [BUSY, HALF_WRITTEN];

/** By SQLite's primary result codes (https://sqlite.org/rescode.html) and errno names; extended codes begin with these, and come before them. */
const GRADES: readonly (readonly [prefix: string, grade: Grade])[] = [
  ['SQLITE_FULL', FULL],
  ['ENOSPC', FULL],
  ['EDQUOT', FULL],
  ['SQLITE_CORRUPT', DAMAGED],
  ['SQLITE_NOTADB', DAMAGED],
  ['SQLITE_BUSY', BUSY],
  ['SQLITE_LOCKED', BUSY],
  ['SQLITE_IOERR', IO],
  ['SQLITE_READONLY_ROLLBACK', HALF_WRITTEN],
  ['SQLITE_READONLY', IO],
  ['SQLITE_CANTOPEN', IO],
  ['SQLITE_PERM', IO],
  ['EIO', IO],
];

/** Any other SQLite code (a constraint, a mistake in the SQL) is a defect of ours, and is said to be one. */
const DEFECT: Grade = {
  code: 'ledger-defect',
  what: 'refused what mailferry asked of it',
  hint: 'This is a defect of mailferry, or the ledger is damaged (sqlite3 ledger.db "PRAGMA integrity_check"): please report it with the text above.',
};

/** Wraps what was thrown over the file at `path` unless it is graded already. */
export function ledgerError(thrown: unknown, path: string): MailferryError {
  if (thrown instanceof MailferryError) {
    return thrown;
  }
  const grade = gradeOf(thrown);
  return new MailferryError(`the ledger ${path} ${grade.what}: ${textOf(thrown)}`, {
    code: grade.code,
    scope: 'run',
    retry: PASSING.includes(grade) ? 'later' : 'never',
    hint: grade.hint,
    cause: thrown,
  });
}

function gradeOf(thrown: unknown): Grade {
  const code = systemCodeOf(thrown) ?? '';
  const found = GRADES.find(([prefix]) => code.startsWith(prefix));
  if (found !== undefined) {
    return found[1];
  }
  // A file that cannot be opened comes from libsql without a code; a system call that failed has an errno name.
  return code.startsWith('SQLITE_') ? DEFECT : IO;
}
