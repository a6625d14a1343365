/** From flags to a reporter: `--log-level` wins over `--verbose`, that over `--quiet`. */
import type { LogLevel } from '../pipeline/events.ts';
import { openReporter } from '../report/open-reporter.ts';
import type { Reporter } from '../report/reporter.ts';
import type { CliIo } from './io.ts';
import type { CommonOptions } from './options.ts';

export function openCliReporter(options: CommonOptions, { stdout, stderr, env }: CliIo): Reporter {
  return openReporter({
    json: options.json === true,
    quiet: options.quiet === true,
    verbose: options.verbose === true,
    level: logLevelOf(options),
    stdout,
    stderr,
    env,
  });
}

function logLevelOf({ logLevel, verbose, quiet }: CommonOptions): LogLevel {
  if (logLevel !== undefined) {
    return logLevel;
  }
  if (verbose === true) {
    return 'debug';
  }
  return quiet === true ? 'warn' : 'info';
}
