/** The files that --trace, --keylog and SSLKEYLOGFILE ask for. */
import { openTraceFile, type TraceFile } from '../pop3/trace-file.ts';
import type { CliIo } from './io.ts';
import type { SessionOptions } from './options.ts';

/** @returns undefined where none is asked for. */
export function openTrace(
  { trace, keylog }: Pick<SessionOptions, 'trace' | 'keylog'>,
  { env, stderr }: Pick<CliIo, 'env' | 'stderr'>,
): TraceFile | undefined {
  const keyLog = keylog ?? (env['SSLKEYLOGFILE'] || undefined);
  if (keyLog !== undefined) {
    stderr.write(
      `warning: TLS secrets go to ${keyLog}: with them, a capture of this run shows passwords and mail; remove the file afterwards\n`,
    );
  }
  return trace === undefined && keyLog === undefined ? undefined : openTraceFile({ trace, keyLog });
}
