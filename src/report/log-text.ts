/**
 * How a log line looks on a stream: its level as a word, in colour where there is any.
 */
import type { LogLevel } from '../pipeline/events.ts';
import type { Paint } from './colour.ts';
import type { LogLine } from './log-line.ts';

/** Without a line end. Plain news has no prefix. */
export function renderLogLine({ level, text }: LogLine, paint: Paint): string {
  const prefixes: Readonly<Record<LogLevel, string>> = {
    error: `${paint('red', 'error:')} `,
    warn: `${paint('yellow', 'warning:')} `,
    info: '',
    debug: `${paint('dim', 'debug:')} `,
    trace: `${paint('dim', 'trace:')} `,
  };
  return prefixes[level] + text;
}
