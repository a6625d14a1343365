/**
 * What is done about messages that failed, once the ledger has it: they are counted and told, what arrived of them is kept
 * apart, and this run leaves them alone.
 */
import { textOf } from '../errors/mailferry-error.ts';
import type { Message } from '../message/message.ts';
import { NOTHING_RECEIVED, partOfMessage, type ReceivedPart } from '../message/received-part.ts';
import { RefusedError } from '../pop3/errors.ts';
import { type AccountWork, log, noteOf } from './account-work.ts';
import { outcomeOfFailure } from './decide-outcome.ts';
import type { JudgedFailure } from './judge-failure.ts';

/** Each part costs some syncs, and a server that refuses everything must not make a run wait for 50,000 of them. */
const MAX_KEPT_IN_RUN = 100;

/** A failure with what arrived: a part, or all of it where a sink did not take it. */
export type ToldFailure = JudgedFailure & {
  readonly part?: ReceivedPart | undefined;
  readonly message?: Message;
};

export async function tellFailures(failed: readonly ToldFailure[], work: AccountWork): Promise<void> {
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
    tell(failure, await keepPart(failure, work), work);
  }
}

function tell(
  { wanted, cause, verdict }: JudgedFailure,
  notePath: string | undefined,
  work: AccountWork,
): void {
  const { source, context } = work;
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

/** A part that cannot be kept is worth a line: the message is still on the server. @returns where its note is. */
async function keepPart(failure: ToldFailure, work: AccountWork): Promise<string | undefined> {
  const { source, context, tally } = work;
  const { wanted, cause, verdict, message } = failure;
  if (!verdict.isAttempt || tally.keptParts >= MAX_KEPT_IN_RUN) {
    return undefined;
  }
  try {
    const part = await partOf(failure, context.quarantine.partOctets);
    if (part.octets === 0 && !verdict.isQuarantined) {
      return undefined;
    }
    tally.keptParts += 1;
    const { uidl, listedOctets } = wanted;
    const failedAt = context.now();
    const note = {
      reason: noteOf(cause),
      serverText: cause instanceof RefusedError ? cause.serverText : null,
      attempts: verdict.attempts,
      isWhole: message !== undefined,
      firstSeenAt: verdict.firstSeenAt ?? failedAt,
      failedAt,
    };
    return await context.quarantine.kept.keep(
      { account: source.id, uidl, listedOctets },
      note,
      part,
      failedAt,
    );
  } catch (thrown) {
    log(work, 'warn', `what arrived of message "${wanted.uidl}" cannot be kept: ${textOf(thrown)}`);
    return undefined;
  }
}

async function partOf({ part, message }: ToldFailure, limitOctets: number): Promise<ReceivedPart> {
  return message === undefined ? (part ?? NOTHING_RECEIVED) : partOfMessage(message, limitOctets);
}
