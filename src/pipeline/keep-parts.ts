/**
 * Keeps what arrived of messages that failed apart, for inspection, before the ledger says that they did: a message that is
 * set aside has what arrived of it beside it, wherever the program is killed.
 */
import { textOf } from '../errors/mailferry-error.ts';
import type { Message } from '../message/message.ts';
import type { QuarantineNote } from '../message/quarantine-note.ts';
import { NOTHING_RECEIVED, partOfMessage, type ReceivedPart } from '../message/received-part.ts';
import { RefusedError } from '../pop3/errors.ts';
import { type AccountWork, log, noteOf } from './account-work.ts';
import type { JudgedFailure } from './judge-failure.ts';

/** Each part costs some syncs, and a server that refuses everything must not make a run wait for 50,000 of them. */
const MAX_KEPT_IN_RUN = 100;

/** A failure with what arrived: a part, or all of it where a sink did not take it. */
export type ArrivedFailure = JudgedFailure & {
  readonly part?: ReceivedPart | undefined;
  readonly message?: Message;
};

/** A failure with the path of the note beside what arrived; undefined where nothing is kept. */
export type KeptFailure = JudgedFailure & { readonly notePath: string | undefined };

export type PartKeeper = (failed: readonly ArrivedFailure[]) => Promise<readonly KeptFailure[]>;

export function keepPartsFor(work: AccountWork): PartKeeper {
  return async (failed) => {
    const kept: KeptFailure[] = [];
    for (const { part, message, ...failure } of failed) {
      kept.push({
        ...failure,
        notePath: await keepPart({ ...failure, part, ...(message && { message }) }, work),
      });
    }
    return kept;
  };
}

/** A part that cannot be kept is worth a line, no more: the message is still on the server. */
async function keepPart(failure: ArrivedFailure, work: AccountWork): Promise<string | undefined> {
  const { source, context, tally } = work;
  const { wanted, verdict } = failure;
  if (!verdict.isAttempt || tally.keptParts >= MAX_KEPT_IN_RUN) {
    return undefined;
  }
  try {
    const part = await partOf(failure, context.quarantine.partOctets);
    // Why it was refused is in the ledger; a note is worth a file once somebody has to look.
    if (part.octets === 0 && !verdict.isQuarantined) {
      return undefined;
    }
    tally.keptParts += 1;
    const { uidl, listedOctets } = wanted;
    const at = context.now();
    return await context.quarantine.kept.keep(
      { account: source.id, uidl, listedOctets },
      describe(failure, at),
      part,
      at,
    );
  } catch (thrown) {
    log(work, 'warn', `what arrived of message "${wanted.uidl}" cannot be kept: ${textOf(thrown)}`);
    return undefined;
  }
}

async function partOf({ part, message }: ArrivedFailure, limitOctets: number): Promise<ReceivedPart> {
  return message === undefined ? (part ?? NOTHING_RECEIVED) : partOfMessage(message, limitOctets);
}

function describe({ cause, verdict, message }: ArrivedFailure, failedAt: number): QuarantineNote {
  return {
    reason: noteOf(cause),
    serverText: cause instanceof RefusedError ? cause.serverText : null,
    attempts: verdict.attempts,
    isWhole: message !== undefined,
    firstSeenAt: verdict.firstSeenAt ?? failedAt,
    failedAt,
  };
}
