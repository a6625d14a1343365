/**
 * Counts and tells messages that failed, once the ledger has it; this run leaves them alone from here on.
 */
import { type AccountWork, noteOf } from './account-work.ts';
import { outcomeOfFailure } from './decide-outcome.ts';
import type { KeptFailure } from './keep-parts.ts';

export function tellFailures(failed: readonly KeptFailure[], work: AccountWork): void {
  const { tally, tried, outcomes } = work;
  for (const failure of failed) {
    const { wanted, cause, verdict } = failure;
    tried.add(wanted);
    if (verdict.isQuarantined) {
      tally.setAside += 1;
      outcomes.add('failed');
    } else {
      tally.refused += 1;
      outcomes.add(outcomeOfFailure(cause));
    }
    tell(failure, work);
  }
}

function tell({ wanted, cause, verdict, notePath }: KeptFailure, { source, context }: AccountWork): void {
  const facts = { account: source.id, uidl: wanted.uidl, failure: noteOf(cause) };
  if (!verdict.isQuarantined) {
    context.emit({ type: 'message.failed', ...facts, hint: cause.hint });
    return;
  }
  const looked = notePath === undefined ? '' : `what arrived of it: ${notePath}; `;
  const hint = `${looked}\`mailferry run --retry quarantined\` tries it again`;
  const { attempts } = verdict;
  context.emit({ type: 'message.quarantined', ...facts, attempts, note: notePath ?? null, hint });
}
