/**
 * A wire trace in a file: who said what when, one line each, escape sequences made harmless. Secrets never come this far.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import type { WireTrace } from './wire-trace.ts';

export interface TraceFile {
  /** The trace of one account's sessions. */
  traceFor(account: string): WireTrace;
  close(): void;
}

/** Appends to `path`, which only its owner may read. @throws MailferryError where it cannot be written. */
export function openTraceFile(path: string, now: () => number = Date.now): TraceFile {
  const file = openForAppend(path);
  const write = (account: string, mark: string, text: string): void => {
    writeSync(file, `${new Date(now()).toISOString()} ${escapeText(account)} ${mark} ${escapeText(text)}\n`);
  };
  return {
    traceFor: (account) => ({
      sent: (line) => write(account, 'C:', line),
      received: (line) => write(account, 'S:', line),
      noted: (text) => write(account, '--', text),
    }),
    close: () => closeSync(file),
  };
}

function openForAppend(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    throw new MailferryError(`cannot write the trace to ${path}: ${textOf(cause)}`, {
      code: 'usage-trace',
      scope: 'run',
      retry: 'never',
      hint: 'name a file in a folder that you may write to',
      cause,
    });
  }
}

/** Everything but printable ASCII as \xNN or \u{…}: a trace is looked at in a terminal. */
function escapeText(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (c) => {
    const code = c.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
