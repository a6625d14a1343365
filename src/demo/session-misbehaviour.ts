/**
 * The part of the catalogue (misbehaviour.ts) that is about whole sessions: servers that end them early, that give only so much
 * in a session or a day, and that show only a window of the mailbox. It must not know sockets.
 */
import { err } from './answer.ts';
import type { MailboxEntry } from './mailbox.ts';
import type { Misbehaviour, Occasion } from './misbehaviour-switch.ts';

/** Each session ends in order after so many messages, whatever else was asked (a limit that nobody announces). */
export function hangsUpAfter(messages: number): Misbehaviour {
  const given = new Map<number, number>();
  return {
    name: `a session ends after ${messages} messages`,
    strikes: ({ command, session }) => {
      const count = (given.get(session) ?? 0) + (command.verb === 'RETR' ? 1 : 0);
      given.set(session, count);
      return command.verb === 'RETR' && count === messages;
    },
    change: (answer) => ({ ...answer, delivery: { ...answer.delivery, ending: 'fin' } }),
  };
}

/** All sessions together are given so many octets; then RETR is refused (NetEase "Download exceed", Gmail's daily limit). */
export function quota(
  octets: number,
  line = '-ERR download quota exceeded, try again tomorrow',
): Misbehaviour & {
  /** As on the next day. */
  renew(): void;
  /** Refusals so far: on some servers each one locks the account. */
  readonly refusals: number;
} {
  let left = octets;
  let refusals = 0;
  return {
    name: `a quota of ${octets} octets`,
    strikes: ({ command }) => command.verb === 'RETR',
    change: (answer) => {
      const size = Number.parseInt(answer.status.split(' ')[1] ?? '0', 10) || 0;
      if (size > left) {
        refusals += 1;
        return { ...err(''), status: line };
      }
      left -= size;
      return answer;
    },
    renew: () => {
      left = octets;
    },
    get refusals() {
      return refusals;
    },
  };
}

/** A session is shown the oldest so many messages that no session before it has fetched and ended by QUIT (Gmail). */
export function popWindow(messages: number): Misbehaviour {
  const popped = new Set<MailboxEntry>();
  return {
    name: `a window of the ${messages} oldest messages that were not fetched`,
    strikes: () => false,
    shows: (entries) => entries.filter((entry) => !popped.has(entry)).slice(0, messages),
    removes: ({ isCommitted, marked, retrieved }) => {
      for (const entry of isCommitted ? retrieved : []) {
        popped.add(entry);
      }
      return isCommitted ? marked : new Set();
    },
  };
}

/** A session is shown the newest so many messages, fetched or not (WildDuck). */
export const newestOnly = (messages: number): Misbehaviour => ({
  name: `a window of the ${messages} newest messages`,
  strikes: () => false,
  shows: (entries) => entries.slice(-messages),
});

/** The body of an answer to a command that was sent ahead comes only behind the status line of the next (WildDuck #950). */
export function interleaved(): Misbehaviour {
  let withheld: AsyncIterable<Buffer> | Iterable<Buffer> | undefined;
  return {
    name: 'pipelined answers are mixed up',
    strikes: ({ command, isPipelined }: Occasion) => isPipelined && command.verb === 'RETR',
    change: (answer) => {
      const before = withheld;
      withheld = answer.message ?? [];
      const status = Buffer.from(`${answer.status}\r\n`, 'latin1');
      return { ...answer, raw: before === undefined ? [status] : mixed(status, before) };
    },
  };
}

async function* mixed(
  status: Buffer,
  body: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Buffer> {
  yield status;
  yield* body;
  yield Buffer.from('.\r\n', 'latin1');
}
