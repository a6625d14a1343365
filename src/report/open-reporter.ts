/**
 * Chooses who shows a run: bars on a terminal, plain lines elsewhere, JSON where asked; the closing report on stdout.
 * The one place that knows all reporters.
 */
import { textOf } from '../errors/mailferry-error.ts';
import type { LogLevel } from '../pipeline/events.ts';
import { BarsReporter } from './bars.ts';
import { type ReporterClock, SYSTEM_CLOCK } from './clock.ts';
import { createPaint, decideBars, decideColour, type Environment } from './colour.ts';
import { composeReporters } from './compose.ts';
import { printable } from './format.ts';
import { JsonReporter } from './json.ts';
import { LinesReporter } from './lines.ts';
import { LogFeed } from './log-feed.ts';
import { Output, type OutputStream } from './output.ts';
import type { Reporter } from './reporter.ts';
import { SummaryReporter } from './summary.ts';
import { VerificationReporter } from './verification-summary.ts';

export interface ReporterOptions {
  /** stdout becomes one JSON object per event; stderr then shows failures and warnings only. */
  readonly json: boolean;
  /** Only failures and warnings, on stderr; no closing report, except of a verification that found a difference. */
  readonly quiet: boolean;
  readonly level: LogLevel;
  /** The closing table shows every account. */
  readonly verbose: boolean;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
  readonly clock?: ReporterClock | undefined;
}

/** A reporter that must be closed, also after a failure: it holds a timer and listens to both streams until then. */
export function openReporter(options: ReporterOptions): Reporter {
  const stdout = new Output(options.stdout);
  const stderr = new Output(options.stderr);
  const tell = (text: string): void => stderr.write(`warning: ${printable(text)}\n`);
  const shown = composeReporters([openStderr(options, stderr), ...openStdout(options, stdout)], (thrown) =>
    tell(`the display failed and is switched off; the run goes on: ${textOf(thrown)}`),
  );
  return {
    report: shown.report,
    async close(): Promise<void> {
      await shown.close();
      await stdout.close();
      if (stdout.lostBy !== undefined) {
        tell(`not all results could be written to standard output: ${stdout.lostBy.message}`);
      }
      await stderr.close();
    },
  };
}

/** Progress and log. First in the order: bars must be gone before the closing report is written to the same terminal. */
function openStderr({ json, quiet, level, stderr, env, clock }: ReporterOptions, output: Output): Reporter {
  const isQuiet = quiet || json;
  const parts = {
    output,
    feed: new LogFeed(level, isQuiet),
    paint: createPaint(decideColour(stderr, env)),
    clock: clock ?? SYSTEM_CLOCK,
  };
  return !isQuiet && decideBars(stderr, env)
    ? new BarsReporter(parts)
    : new LinesReporter({ ...parts, level, isQuiet });
}

/** Results. */
function openStdout(
  { json, quiet, level, verbose, stdout, env, clock }: ReporterOptions,
  output: Output,
): Reporter[] {
  if (json) {
    return [new JsonReporter({ output, clock: clock ?? SYSTEM_CLOCK, level })];
  }
  const paint = createPaint(decideColour(stdout, env));
  const verification = new VerificationReporter({ output, paint, isQuiet: quiet });
  return quiet ? [verification] : [new SummaryReporter({ output, paint, isVerbose: verbose }), verification];
}
