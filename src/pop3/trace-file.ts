/**
 * Files about what goes over the wire. The trace: who said what when, one line each, escape sequences made harmless; secrets
 * never come this far. The key log: the secrets of TLS sessions, for whoever reads a capture (SSLKEYLOGFILE format).
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import { NO_TRACE, type WireTrace } from './wire-trace.ts';

export interface TraceFile {
  /** The trace of one account's sessions. */
  traceFor(account: string): WireTrace;
  close(): void;
}

export interface TracePaths {
  readonly trace?: string | undefined;
  readonly keyLog?: string | undefined;
}

/** Appends to files that only their owner may read. @throws MailferryError where one cannot be written. */
export function openTraceFile({ trace, keyLog }: TracePaths, now: () => number = Date.now): TraceFile {
  const files: number[] = [];
  const open = (path: string, what: string): number => {
    const file = openForAppend(path, what);
    files.push(file);
    return file;
  };
  const traceFile = trace === undefined ? undefined : open(trace, 'trace');
  const keyFile = keyLog === undefined ? undefined : open(keyLog, 'key log');
  const keyLogged = keyFile === undefined ? undefined : (line: Buffer) => void writeSync(keyFile, line);
  return {
    traceFor: (account) => ({
      ...(traceFile === undefined ? NO_TRACE : linesTo(traceFile, account, now)),
      keyLogged,
    }),
    close: () => {
      for (const file of files) {
        closeSync(file);
      }
    },
  };
}

function linesTo(file: number, account: string, now: () => number): WireTrace {
  const write = (mark: string, text: string): void => {
    writeSync(file, `${new Date(now()).toISOString()} ${escapeText(account)} ${mark} ${escapeText(text)}\n`);
  };
  return {
    sent: (line) => write('C:', line),
    received: (line) => write('S:', line),
    noted: (text) => write('--', text),
  };
}

function openForAppend(path: string, what: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    throw new MailferryError(`cannot write the ${what} to ${path}: ${textOf(cause)}`, {
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
