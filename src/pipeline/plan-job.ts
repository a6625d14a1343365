/**
 * What a run would do, found by listing, classifying and asking headers: no RETR, no DELE, nothing written anywhere.
 */
import { textOf } from '../errors/mailferry-error.ts';
import type { AccountReader, Outcome } from '../ledger/ledger.ts';
import { runInPool } from './account-pool.ts';
import type { WantedMessage } from './classify-listing.ts';
import type { AccountSource, SurveyContext } from './context.ts';
import type { DeletionRules } from './decide-deletion.ts';
import { outcomeOfFailure, worstOutcome } from './decide-outcome.ts';
import type { UidlSurvey } from './find-renamed.ts';
import { changeText } from './follow-uidls.ts';
import type { Listing } from './listing.ts';
import { type DeletionPlan, type DeletionRows, planDeletions } from './plan-deletion.ts';
import { type KnownRows, type Survey, surveyAccount } from './survey-account.ts';
import { listedRows } from './uidl-index.ts';

export interface PlanContext extends SurveyContext {
  readonly accounts: readonly AccountSource[];
  readonly limits: { readonly accounts: number; readonly perHost: number };
  /** What is known of an account; undefined where nothing is yet. */
  readonly rowsOf: (account: string) => PlannedRows | undefined;
  /** Undefined: nothing would be deleted. */
  readonly deletion: DeletionRules | undefined;
}

export interface UidlPlan {
  readonly kind: UidlSurvey['kind'];
  readonly reason: string;
  readonly followed: number;
}

export interface QuarantinedListing {
  readonly uidl: string;
  readonly listedOctets: number | null;
}

type PlannedRows = KnownRows & DeletionRows & Pick<AccountReader, 'troubled'>;

export interface AccountPlan {
  readonly account: string;
  readonly outcome: Outcome;
  readonly listed: number;
  readonly archivedBefore: number;
  readonly quarantined: number;
  /** Those that are set aside, would not be fetched, and are listed. */
  readonly setAside: readonly QuarantinedListing[];
  readonly skipped: number;
  readonly wanted: readonly WantedMessage[];
  readonly wantedOctets: number;
  /** Null where the job deletes nothing, or the account could not be planned. */
  readonly deletion: DeletionPlan | null;
  /** Whether unique-ids have changed since the last run, and how many messages are recognised nevertheless. */
  readonly uidls: UidlPlan | null;
  /** Why it could not be planned. */
  readonly failure: string | undefined;
}

/** Plans in the order of the job's accounts. Failures of accounts are in the result. */
export async function planJob(
  context: PlanContext,
): Promise<{ outcome: Outcome; accounts: readonly AccountPlan[] }> {
  const plans = new Map<string, AccountPlan>();
  await runInPool(context.accounts, context.limits, async (source) => {
    plans.set(source.id, await planAccount(source, context));
  });
  const accounts = context.accounts.flatMap(({ id }) => plans.get(id) ?? []);
  return { outcome: worstOutcome(accounts.map(({ outcome }) => outcome)), accounts };
}

async function planAccount(source: AccountSource, context: PlanContext): Promise<AccountPlan> {
  try {
    const client = await source.open(context.dropSignal);
    const rows = context.rowsOf(source.id);
    const survey = await surveyAccount(client, source.id, rows, context).catch((cause: Error) => {
      client.drop(cause);
      throw cause;
    });
    await client.quit();
    const { uidls } = survey;
    if (uidls.kind === 'changed' || uidls.kind === 'possible') {
      const text = changeText(uidls, uidls.rest.length);
      context.emit({ type: 'logged', level: 'warn', account: source.id, text });
    }
    return {
      account: source.id,
      outcome: 'done',
      listed: survey.listing.messages.length,
      archivedBefore: survey.archivedBefore,
      quarantined: survey.quarantined,
      setAside: context.isRetryingQuarantined === true ? [] : findSetAside(survey.listing, rows),
      skipped: survey.skipped.length,
      wanted: survey.wanted,
      wantedOctets: survey.wanted.reduce((sum, { listedOctets }) => sum + (listedOctets ?? 0), 0),
      deletion:
        context.deletion === undefined ? null : planDeletions(survey, rows, context.deletion, context.now()),
      uidls: planUidls(survey),
      failure: undefined,
    };
  } catch (thrown) {
    return {
      account: source.id,
      outcome: outcomeOfFailure(thrown),
      listed: 0,
      archivedBefore: 0,
      quarantined: 0,
      setAside: [],
      skipped: 0,
      wanted: [],
      wantedOctets: 0,
      deletion: null,
      uidls: null,
      failure: textOf(thrown),
    };
  }
}

function planUidls({ uidls }: Survey): UidlPlan {
  const { kind, reason, followed } = uidls;
  return { kind, reason, followed: followed.length };
}

function findSetAside(listing: Listing, rows: PlannedRows | undefined): QuarantinedListing[] {
  const isListed = listedRows(listing);
  return [...(rows?.troubled() ?? [])]
    .filter((row) => row.state === 'quarantined' && isListed(row))
    .map(({ uidl, listedOctets }) => ({ uidl, listedOctets }));
}
