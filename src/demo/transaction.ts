/**
 * The TRANSACTION state (RFC 1939 §5, §7): what each command answers and marks. It must not know sockets, nor who has logged in.
 */
import { type Answer, err, ok } from './answer.ts';
import { chunksOf, type MailboxEntry, type Maildrop } from './mailbox.ts';
import { topOf } from './top.ts';

type Handler = (maildrop: Maildrop, argument: string) => Answer;

export const TRANSACTION: Readonly<Record<string, Handler>> = {
  STAT: withoutArgument((maildrop) => {
    const { count, octets } = totals(maildrop);
    return ok(`${count} ${octets}`);
  }),
  LIST: listing((entry) => String(entry.octets)),
  UIDL: listing((entry) => entry.uidl),
  RETR: onMessage((entry, maildrop) => {
    maildrop.noteRetrieval(entry);
    return ok(`${entry.octets} octets`, { message: chunksOf(entry.content) });
  }),
  TOP: top,
  DELE: onMessage((entry, maildrop) => {
    maildrop.mark(entry);
    return ok('marked as deleted');
  }),
  RSET: withoutArgument((maildrop) => {
    maildrop.reset();
    return ok('no message is marked as deleted');
  }),
  NOOP: withoutArgument(() => ok('nothing done')),
};

function totals(maildrop: Maildrop): { count: number; octets: number } {
  let count = 0;
  let octets = 0;
  for (const [, entry] of maildrop.left()) {
    count += 1;
    octets += entry.octets;
  }
  return { count, octets };
}

/** LIST and UIDL: all that is left, or one message in the status line. */
function listing(fieldOf: (entry: MailboxEntry) => string): Handler {
  const one = onMessage((entry, _maildrop, number) => ok(`${number} ${fieldOf(entry)}`));
  return (maildrop, argument) => {
    if (argument !== '') {
      return one(maildrop, argument);
    }
    return ok(`${totals(maildrop).count} messages`, { lines: listed(maildrop, fieldOf) });
  };
}

function* listed(maildrop: Maildrop, fieldOf: (entry: MailboxEntry) => string): Generator<string> {
  for (const [number, entry] of maildrop.left()) {
    yield `${number} ${fieldOf(entry)}`;
  }
}

/** RFC 1939 §7: `TOP msg n`, the header, the blank line, and n lines of the body. */
function top(maildrop: Maildrop, argument: string): Answer {
  const words = /^(\d+) (\d+)$/.exec(argument);
  if (words === null) {
    return err('TOP needs a message number and a number of lines');
  }
  const [, number = '', lines = ''] = words;
  return onMessage((entry) =>
    ok('top of the message follows', { message: topOf(chunksOf(entry.content), Number(lines)) }),
  )(maildrop, number);
}

function onMessage(answer: (entry: MailboxEntry, maildrop: Maildrop, number: number) => Answer): Handler {
  return (maildrop, argument) => {
    if (!/^\d{1,10}$/.test(argument)) {
      return err('a message number was expected');
    }
    const number = Number(argument);
    const entry = maildrop.find(number);
    return entry === undefined ? err('no such message') : answer(entry, maildrop, number);
  };
}

function withoutArgument(answer: (maildrop: Maildrop) => Answer): Handler {
  return (maildrop, argument) => (argument === '' ? answer(maildrop) : err('this command has no argument'));
}
