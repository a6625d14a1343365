/**
 * The contract of a reporter: it listens to events and shows them to somebody. stdout carries results, stderr progress and
 * log. Bars, plain lines and JSON are beside this file.
 */
import type { MailferryEvent } from '../pipeline/events.ts';

export interface Reporter {
  /** Takes one event. Never throws: a closed pipe ends the showing, not the run. */
  report(event: MailferryEvent): void;
  /** Shows what is still held back, gives the terminal back. Idempotent. */
  close(): Promise<void>;
}
