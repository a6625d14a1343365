/**
 * Several reporters as one. A reporter that breaks its word and throws is dropped and told of once: a defect of the display
 * must not reach the run.
 */
import type { MailferryEvent } from '../pipeline/events.ts';
import type { Reporter } from './reporter.ts';

/** Events go to each in the given order; closing closes each in the same order. `onDefect` must not throw. */
export function composeReporters(
  reporters: readonly Reporter[],
  onDefect: (thrown: unknown) => void,
): Reporter {
  const working = new Set(reporters);
  return {
    report(event: MailferryEvent): void {
      for (const reporter of working) {
        try {
          reporter.report(event);
        } catch (thrown) {
          working.delete(reporter);
          onDefect(thrown);
        }
      }
    },
    async close(): Promise<void> {
      for (const reporter of reporters) {
        try {
          await reporter.close();
        } catch (thrown) {
          onDefect(thrown);
        }
      }
    },
  };
}
