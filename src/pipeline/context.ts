/**
 * What the pipeline is given to work with: live objects behind contracts, wired by job/assemble.ts. There is no other way
 * in: the pipeline reads no files, no environment, no clock of its own.
 */
import type { Failpoint } from '../errors/failpoint.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Quarantine } from '../message/quarantine.ts';
import type { Spool } from '../message/spool.ts';
import type { Pop3Client } from '../pop3/client.ts';
import type { OpeningListener } from '../pop3/open-client.ts';
import type { Sink } from '../sink/sink.ts';
import type { DeletionRules } from './decide-deletion.ts';
import type { DrainPolicy } from './decide-drain.ts';
import type { EventListener } from './events.ts';
import type { Budgets } from './fetch-budget.ts';

/** A source account: who it is, and how to open a session in the TRANSACTION state. */
export interface AccountSource {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Whether to look for more behind what one listing shows; `auto` where not given. */
  readonly drain?: DrainPolicy;
  /** @throws MailferryError, also for a secret that cannot be had. */
  open(signal: AbortSignal, options?: OpenOptions): Promise<Pop3Client>;
  /**
   * After a session that was refused behind its login: waits where another one may do better. @returns whether it may.
   * @throws MailferryError at the end of patience
   */
  outwait?(cause: unknown): Promise<boolean>;
}

export interface OpenOptions {
  readonly onStep?: OpeningListener;
}

export interface SelectRules {
  readonly olderThanMs: number | undefined;
  readonly newerThanMs: number | undefined;
  readonly largerThanOctets: number | undefined;
  readonly smallerThanOctets: number | undefined;
}

export interface BatchLimits {
  /** Most messages that are made durable together. */
  readonly messages: number;
  /** A batch is closed when it holds this many octets. */
  readonly octets: number;
}

/** What surveying an account needs: nothing here can change anything. */
export interface SurveyContext {
  readonly select: SelectRules;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly emit: EventListener;
  /** Aborted to drop every connection at once; safe, since nothing unproved is ever recorded. */
  readonly dropSignal: AbortSignal;
  /** Fetch quarantined messages again. */
  readonly isRetryingQuarantined?: boolean;
}

/** When a message that fails is set aside, and where what arrived of it is kept. */
export interface QuarantineRules {
  /** Runs in which a message may fail through itself; then it is set aside. */
  readonly maxAttempts: number;
  /** Most octets that are kept of what arrived of a message. */
  readonly partOctets: number;
  readonly kept: Quarantine;
}

export interface JobContext extends SurveyContext {
  readonly job: string;
  readonly version: string;
  readonly accounts: readonly AccountSource[];
  readonly limits: {
    readonly accounts: number;
    readonly perHost: number;
    /** On one host, over all accounts; undefined: as fast as they come. */
    readonly loginsPerMinute?: number | undefined;
  };
  /** What each account may fetch; without limits where not given. */
  readonly budgets?: Budgets;
  readonly batch: BatchLimits;
  /** Longest wait for a lock, a delay or a server that does not answer, before the account is left to the next run. */
  readonly patienceMs: number;
  /** Resolves after that time, or at once when the signal is aborted; it never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 up to 1, as Math.random: spreads waits. */
  readonly random: () => number;
  readonly sinks: readonly Sink[];
  /** Read back what was written before a receipt counts: makes receipts verified. */
  readonly isReadingBack: boolean;
  /** Read every receipt back first, and fetch again what a sink has lost. */
  readonly isRefetching?: boolean;
  /** Undefined: nothing is ever deleted at the source. */
  readonly deletion: DeletionRules | undefined;
  readonly ledger: Ledger;
  readonly spool: Spool;
  readonly quarantine: QuarantineRules;
  /** Called at each step between two promises; does nothing outside of tests. */
  readonly failpoint: Failpoint;
  /** Aborted to stop cleanly: what is in flight is finished, archived and recorded. */
  readonly stopSignal: AbortSignal;
}
