/**
 * What the rules look at: a job put together as far as its parts are right, with the way back to where each part is written.
 */
import type { AccountDefinition, DeletionDefinition, Limits, SelectRules, SinkDefinition } from './job.ts';
import type { Path, Place } from './problems.ts';
import type { RawAccount, RawDefaults } from './schema.ts';

export interface DraftAccount {
  /** Its keys with the defaults filled in. */
  readonly keys: RawAccount;
  /** Its own keys only. */
  readonly own: RawAccount;
  /** Undefined while a required key is missing. */
  readonly definition: AccountDefinition | undefined;
  readonly placeOf: (path: Path) => Place;
}

export interface DraftSink {
  readonly definition: SinkDefinition;
  /** The path as it is written. */
  readonly written: string;
  readonly place: Place;
}

/** One sink's place for one account. */
export interface SinkPlace {
  readonly sink: DraftSink;
  /** The account's id. */
  readonly account: string;
  readonly path: string;
  /** The path as file systems compare it that do not tell case or Unicode form apart. */
  readonly folded: string;
}

export interface JobDraft {
  readonly statePath: string | undefined;
  readonly accounts: readonly DraftAccount[];
  readonly defaults: RawDefaults;
  readonly sinks: readonly DraftSink[];
  /** Where each sink writes for each account. */
  readonly places: readonly SinkPlace[];
  readonly select: SelectRules | undefined;
  readonly limits: Limits | undefined;
  readonly verify: 'readback' | 'none' | undefined;
  readonly deletion: DeletionDefinition | undefined;
  /** Where a path of the job file is written. */
  readonly placeOf: (path: Path) => Place;
  readonly isWritten: (path: Path) => boolean;
}

/** The accounts that are complete, with their definitions. */
export function* definedAccounts(
  draft: JobDraft,
): Generator<{ readonly definition: AccountDefinition; readonly account: DraftAccount }> {
  for (const account of draft.accounts) {
    if (account.definition !== undefined) {
      yield { definition: account.definition, account };
    }
  }
}
