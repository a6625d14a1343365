/**
 * A row of the matrix of logins: a real server, the ways to log in that it has, and what is tried with each. Data, so that the suite in
 * login-matrix.test.ts has no case for any server. Each way has a user of its own: a run sends a refused login once.
 */
import type { MailUser } from '../../../services/enclosure.ts';
import type { ProgramGate } from '../../../support/programs.ts';

/** What is tried, each in a run of its own. */
export const LOGIN_TRIALS = {
  right: 'with the right secret archives, and tries nothing else',
  wrong: 'with a wrong secret is refused once, and says so',
  expired: 'with a token that has expired is refused once, and says so',
  revoked: 'with a token that is revoked while the run goes on fetches one more, and archives all',
} as const;

export type LoginTrial = keyof typeof LOGIN_TRIALS;

/** What an account of a job says, and all that must show nowhere when it is run. */
export interface LoginAccount {
  /** Keys of the account, without `id`, `user`, `auth` and where the server is. */
  readonly keys: object;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

export interface FetchedToken {
  readonly text: string;
  /** How often the mail server asked about it. */
  readonly questions: number;
}

export interface LoginServer {
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly caPath: string;
  /** Debian's. */
  readonly version: string;
  /** Path of `bin/mailferry.js`, where it needs another one than that of this checkout. */
  readonly program?: string;
  deliver(user: string, messages: readonly Buffer[]): Promise<number>;
  account(user: string, trial: LoginTrial): Promise<LoginAccount>;
  /** Access tokens that were fetched in a trial; asked after the run. */
  tokens?(user: string, trial: LoginTrial): readonly FetchedToken[];
  stop(): Promise<void>;
}

export interface LoginRow {
  readonly name: string;
  readonly gate: Pick<ProgramGate, 'reason' | 'describe'>;
  /** As the job's `auth` has them, without `auto`. */
  readonly ways: readonly string[];
  /** What `auto` tries there, in order; the last one decides. */
  readonly auto: readonly string[];
  /** The same with a wrong secret, where that is more. */
  readonly autoWhenWrong?: readonly string[];
  /** Ways that it announces and refuses, whatever the secret is. */
  readonly refuses?: readonly string[];
  readonly trials: readonly LoginTrial[];
  readonly security: 'tls' | 'plaintext';
  start(users: readonly MailUser[]): Promise<LoginServer>;
}

/** The ways of a row, `auto` at their end. */
export function waysOf({ ways }: Pick<LoginRow, 'ways'>): readonly string[] {
  return [...ways, 'auto'];
}

/** The user that logs in by it: `scramsha1` */
export function userOf(way: string): string {
  return way.replaceAll('-', '');
}
