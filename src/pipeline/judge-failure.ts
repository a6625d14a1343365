/**
 * Gathers what decide-failure.ts needs to know of a message that failed: what earlier runs recorded, what this one has seen.
 */
import type { MailferryError } from '../errors/mailferry-error.ts';
import type { AccountWork } from './account-work.ts';
import type { WantedMessage } from './classify-listing.ts';
import { decideFailure, type FailedBefore, type FailureKind, type FailureVerdict } from './decide-failure.ts';

export interface Failure {
  readonly wanted: WantedMessage;
  readonly cause: MailferryError;
  readonly kind: FailureKind;
  /** The row that it continues, where that is known better than by the listing. */
  readonly rowId?: number | undefined;
  readonly isServerWell?: boolean;
}

export type JudgedFailure = Failure & { readonly verdict: FailureVerdict };

export interface JudgedWork extends Pick<AccountWork, 'rows' | 'context'> {
  readonly tried: Pick<AccountWork['tried'], 'has'>;
}

export type Judge = (failure: Failure) => JudgedFailure;

/** @param work `tried` says what has failed in this run already. */
export function judgeWith({ rows, tried, context }: JudgedWork): Judge {
  return (failure) => {
    const { wanted, cause, kind, isServerWell = true } = failure;
    const facts = {
      kind,
      cause,
      isServerWell,
      isIdentified: wanted.kind !== 'ambiguous',
      hasFailedInRun: tried.has(wanted),
      before: failedBefore(failure.rowId ?? rowOf(wanted), rows),
      maxAttempts: context.quarantine.maxAttempts,
    };
    return { ...failure, verdict: decideFailure(facts) };
  };
}

/** A doubtful row may be about another message: what failed has a row of its own. */
export function rowOf({ kind, rowId }: WantedMessage): number | undefined {
  return kind === 'doubtful' ? undefined : rowId;
}

function failedBefore(rowId: number | undefined, rows: AccountWork['rows']): FailedBefore | undefined {
  const [row] = rowId === undefined ? [] : rows.rows([rowId]);
  // A success in between makes earlier attempts history: it clears the reason.
  return row === undefined || row.lastErrorCode === null
    ? undefined
    : {
        firstSeenAt: row.firstSeenAt,
        attempts: row.attempts,
        lastErrorCode: row.lastErrorCode,
        isQuarantined: row.state === 'quarantined',
      };
}
