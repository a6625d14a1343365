/**
 * What a test may ask a server afterwards: which commands came, how many sessions there were. It must not print a secret:
 * an argument is readable by code and invisible to `console.log`, JSON and a failing assertion's diff.
 */
import type { Command } from './answer.ts';

/** The verbs that a test may like to count most. */
const SECRET_VERBS = new Set(['PASS', 'APOP', 'AUTH', 'AUTH-RESPONSE']);

export class ReceivedCommand {
  /** Which session it came in: 1 is the first that the server accepted. */
  readonly session: number;
  readonly verb: string;
  readonly #argument: string;

  constructor(session: number, command: Command) {
    this.session = session;
    this.verb = command.verb;
    this.#argument = command.argument;
  }

  /** The argument octet for octet (latin1), password included. */
  get argument(): string {
    return this.#argument;
  }

  /** The command as it may be shown: `RETR 7`, `PASS ***`. */
  toString(): string {
    if (this.#argument === '') {
      return this.verb;
    }
    return `${this.verb} ${SECRET_VERBS.has(this.verb) ? '***' : this.#argument}`;
  }
}

export class ServerRecord {
  /** Every command in the order of arrival, over all sessions. */
  readonly commands: ReceivedCommand[] = [];
  #sessions = 0;
  #openSessions = 0;
  #peakSessions = 0;

  /** Sessions that were accepted so far. */
  get sessions(): number {
    return this.#sessions;
  }

  get openSessions(): number {
    return this.#openSessions;
  }

  /** The most sessions that were ever open at once. */
  get peakSessions(): number {
    return this.#peakSessions;
  }

  /** How often a command came, refused ones included: `record.count('RETR')`, or of one message `record.count('RETR', '7')`. */
  count(verb: string, argument?: string): number {
    return this.commands.filter(
      (command) => command.verb === verb && (argument === undefined || command.argument === argument),
    ).length;
  }

  /** The commands as text without secrets, of one session or of all: `['CAPA', 'USER alice', 'PASS ***']`. */
  transcript(session?: number): string[] {
    return this.commands
      .filter((command) => session === undefined || command.session === session)
      .map(String);
  }

  /** Gives the session its number. */
  sessionOpened(): number {
    this.#sessions += 1;
    this.#openSessions += 1;
    this.#peakSessions = Math.max(this.#peakSessions, this.#openSessions);
    return this.#sessions;
  }

  sessionClosed(): void {
    this.#openSessions -= 1;
  }

  commandReceived(session: number, command: Command): void {
    this.commands.push(new ReceivedCommand(session, command));
  }
}
