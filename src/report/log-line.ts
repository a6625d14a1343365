/**
 * One line of the log, and how a failure reads in it. It must not know of events.
 */
import type { LogLevel } from '../pipeline/events.ts';
import { printable } from './format.ts';

/** One line, printable, without a line end. */
export interface LogLine {
  readonly level: LogLevel;
  readonly text: string;
}

/** `text [code]. Hint`, printable. */
export function describeFailure(
  failure: { readonly code: string; readonly text: string },
  hint: string | undefined,
): string {
  const told = `${failure.text.replace(/[.\s]+$/, '')} [${failure.code}]`;
  return printable(hint === undefined || hint === '' ? told : `${told}. ${hint}`);
}
