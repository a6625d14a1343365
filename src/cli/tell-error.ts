/**
 * An error for a person: what failed, and what to do. A stack only where the failure is a defect of ours.
 */
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import { printable } from '../report/format.ts';
import type { CliIo } from './io.ts';

export function tellError(cause: unknown, { stderr }: Pick<CliIo, 'stderr'>): void {
  const lines = textOf(cause).split('\n').map(printable);
  stderr.write(`mailferry: ${lines.join('\n')}\n`);
  if (cause instanceof MailferryError) {
    if (cause.hint !== undefined) {
      stderr.write(`  what to do: ${printable(cause.hint)}\n`);
    }
  } else if (cause instanceof Error && cause.stack !== undefined) {
    stderr.write(`${cause.stack}\nThis is a defect: please report it with these lines.\n`);
  }
}
