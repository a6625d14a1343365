/**
 * What the pipeline tells the world, as data. Names are in the past: each event has happened. Reporters turn them into
 * bars, lines or JSON; the pipeline knows none of these. No event holds a secret.
 */
import type { AccountCounts, FailureNote, Outcome } from '../ledger/ledger.ts';
import type { Difference, Verdict, VerifiedCounts } from './verdict.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

export type MailferryEvent =
  | { readonly type: 'run.started'; readonly job: string; readonly runId: number; readonly accounts: number }
  | { readonly type: 'account.started'; readonly account: string; readonly host: string }
  /** It waits before it (or its host) is tried again: nothing is done for it until then. */
  | {
      readonly type: 'account.waiting';
      readonly account: string;
      readonly host: string;
      readonly reason: FailureNote;
      /** Milliseconds since 1970; it may take longer until there is a place for it. */
      readonly until: number;
    }
  | {
      readonly type: 'account.listed';
      readonly account: string;
      readonly listed: number;
      readonly listedOctets: number;
      /** Known and complete: not fetched. */
      readonly archivedBefore: number;
      readonly wanted: number;
      readonly wantedOctets: number;
    }
  /** Octets received so far of what is wanted, for bars; at most a few a second per account. */
  | {
      readonly type: 'account.progressed';
      readonly account: string;
      readonly messages: number;
      readonly octets: number;
    }
  | {
      readonly type: 'message.archived';
      readonly account: string;
      readonly uidl: string;
      readonly octets: number;
      readonly sha256: string;
    }
  | {
      readonly type: 'message.failed';
      readonly account: string;
      readonly uidl: string;
      readonly failure: FailureNote;
      /** What to do about it. */
      readonly hint?: string | undefined;
    }
  /** It has failed too often, or failed again after it was set aside: later runs leave it alone until somebody asks for it. */
  | {
      readonly type: 'message.quarantined';
      readonly account: string;
      readonly uidl: string;
      readonly failure: FailureNote;
      /** Runs in which it failed through itself. */
      readonly attempts: number;
      /** Path of the note beside what arrived of it; null where nothing could be kept. */
      readonly note: string | null;
      readonly hint: string;
    }
  | {
      readonly type: 'message.skipped';
      readonly account: string;
      readonly uidl: string;
      readonly rule: string;
    }
  /** After the +OK to QUIT: the server was asked to delete, and has answered. A later listing confirms it. */
  | {
      readonly type: 'account.deleted';
      readonly account: string;
      readonly deleted: number;
      /** Messages that stay on the server, by the rule that keeps them. */
      readonly kept: Readonly<Record<string, number>>;
    }
  | {
      readonly type: 'account.finished';
      readonly account: string;
      readonly outcome: Outcome;
      readonly counts: AccountCounts;
      readonly failure: FailureNote | undefined;
      /** What to do about the failure. */
      readonly hint: string | undefined;
      readonly durationMs: number;
    }
  | {
      readonly type: 'run.finished';
      readonly job: string;
      readonly runId: number;
      readonly outcome: Outcome;
      readonly accounts: number;
      readonly counts: AccountCounts;
      readonly durationMs: number;
    }
  | { readonly type: 'verification.started'; readonly job: string; readonly accounts: number }
  /** What is to be read of an account's archives, in all its sinks; `account.progressed` then says how far it is. */
  | {
      readonly type: 'account.counted';
      readonly account: string;
      readonly receipts: number;
      readonly octets: number;
    }
  /** A sink does not hold what its receipt says, or holds what no receipt names. */
  | {
      readonly type: 'message.differs';
      readonly account: string;
      readonly sink: string;
      readonly difference: Difference;
      /** Null for what no receipt names. */
      readonly uidl: string | null;
      readonly sha256: string | null;
      readonly root: string;
      readonly location: string;
      readonly detail: string;
    }
  | {
      readonly type: 'account.verified';
      readonly account: string;
      readonly verdict: Verdict;
      readonly counts: VerifiedCounts;
      readonly failure: FailureNote | undefined;
      readonly hint: string | undefined;
      readonly durationMs: number;
    }
  | {
      readonly type: 'verification.finished';
      readonly job: string;
      readonly verdict: Verdict;
      readonly accounts: number;
      readonly counts: VerifiedCounts;
      readonly durationMs: number;
    }
  | {
      readonly type: 'logged';
      readonly level: LogLevel;
      readonly account?: string | undefined;
      readonly text: string;
    };

/** Takes events as they happen. It must not throw and must not block. */
export type EventListener = (event: MailferryEvent) => void;
