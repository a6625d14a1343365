/**
 * The flags of the commands as values, the way commander hands them over.
 */
import type { Security } from '../job/job.ts';
import type { LogLevel } from '../pipeline/events.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const satisfies readonly LogLevel[];

/** Flags that every command has. */
export interface CommonOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose?: true;
  readonly logLevel?: LogLevel;
}

/** Flags of commands that log in. */
export interface SessionOptions extends CommonOptions {
  readonly account?: readonly string[];
  readonly trace?: string;
  readonly keylog?: string;
}

/** Flags of `run` and of `plan`, which says what `run` would do. */
export interface RetryOptions extends SessionOptions {
  /** Fetch quarantined messages again. */
  readonly retry?: 'quarantined';
}

export interface RunOptions extends RetryOptions {
  /** Fetch again what a sink has lost. */
  readonly refetch?: 'missing';
}

/** Of `mailferry login`. */
export interface LoginCommandOptions {
  readonly json?: true;
  readonly account?: readonly string[];
}

export interface VerifyOptions extends CommonOptions {
  readonly account?: readonly string[];
  /** The share of the receipts to read: above 0, up to 1. */
  readonly sample?: number;
  /** Milliseconds since 1970. */
  readonly since?: number;
}

export interface DemoOptions extends CommonOptions {
  readonly serve?: true;
  readonly folder?: string;
}

export interface StatusOptions extends CommonOptions {
  readonly account?: readonly string[];
}

export interface ProbeOptions extends SessionOptions {
  readonly security?: Security;
}
