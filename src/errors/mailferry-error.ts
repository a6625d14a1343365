/**
 * The one base class of every failure that mailferry names.
 *
 * An error is graded twice: how far to give up (`scope`) and when to try again (`retry`). Callers decide by these two and by
 * `code`, never by the text. The text says what failed, what was expected, what came; `hint` says what to do about it.
 */

/** How far to give up: this message, this account, this sink, or the whole run. */
export type Scope = 'message' | 'account' | 'sink' | 'run';

/** When to try again: in this run, in a later one, or not before somebody has changed something. */
export type Retry = 'now' | 'later' | 'never';

export interface ErrorFacts {
  /** Stable, kebab-case, prefixed by its room: `pop3-refused`, `sink-full`. */
  readonly code: string;
  readonly scope: Scope;
  readonly retry: Retry;
  /** What the reader can do about it, as one sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

export class MailferryError extends Error {
  readonly code: string;
  readonly scope: Scope;
  readonly retry: Retry;
  readonly hint: string | undefined;

  constructor(text: string, facts: ErrorFacts) {
    super(text, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = facts.code;
    this.scope = facts.scope;
    this.retry = facts.retry;
    this.hint = facts.hint;
  }
}

/** The text of anything that was thrown, for a report: never a stack, never empty. */
export function textOf(thrown: unknown): string {
  if (thrown instanceof Error) {
    return thrown.message === '' ? thrown.name : thrown.message;
  }
  return String(thrown);
}

/** The code of a failed system call (`ENOSPC`), or undefined where it is none. */
export function systemCodeOf(thrown: unknown): string | undefined {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') {
    return thrown.code;
  }
  return undefined;
}

/** Wraps what was thrown unless it is graded already; an ungraded failure is a defect of ours and says so by its code. */
export function asMailferryError(thrown: unknown, facts: Omit<ErrorFacts, 'cause'>): MailferryError {
  if (thrown instanceof MailferryError) {
    return thrown;
  }
  return new MailferryError(textOf(thrown), { ...facts, cause: thrown });
}
