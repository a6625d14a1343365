/**
 * Which listed messages are archived ones, by size and header alone: pure. It says yes only where nothing else can be meant:
 * every archived message with that header (and that size, where sizes are believed) has the same octets, and no more messages
 * show it than there are such rows. A header that different messages share (a machine that writes the same one each night)
 * says nothing; those are fetched.
 */
import type { MessageRow } from '../ledger/ledger.ts';
import type { ListedMessage } from './listed-message.ts';

/** A listed message with the digest of the header that TOP gave. */
export interface HeadedMessage<Message extends ListedMessage> {
  readonly message: Message;
  readonly headerSha256: string;
}

export interface HeaderMatch<Message extends ListedMessage> {
  readonly message: Message;
  readonly row: MessageRow;
}

export interface MatchOptions<Message extends ListedMessage> {
  /** All rows with that header, whatever became of them. */
  readonly rowsOf: (headerSha256: string) => readonly MessageRow[];
  /** The server is the one that listed the rows: LIST says the same of the same message. */
  readonly isSizeExact: boolean;
  /** Whether a row may stand for a message: nothing else stands for it. */
  readonly canBe: (message: Message, row: MessageRow) => boolean;
}

export function matchHeaders<Message extends ListedMessage>(
  headed: readonly HeadedMessage<Message>[],
  { rowsOf, isSizeExact, canBe }: MatchOptions<Message>,
): readonly HeaderMatch<Message>[] {
  const groups = new Map<string, { messages: Message[]; rows: readonly MessageRow[] }>();
  for (const { message, headerSha256 } of headed) {
    const size = message.listedOctets;
    const key = isSizeExact ? `${headerSha256} ${size}` : headerSha256;
    const group = groups.get(key);
    if (group === undefined) {
      const rows = rowsOf(headerSha256).filter((row) => !isSizeExact || row.listedOctets === size);
      groups.set(key, { messages: [message], rows });
    } else {
      group.messages.push(message);
    }
  }
  return [...groups.values()].flatMap(({ messages, rows }) => matchGroup(messages, rows, canBe));
}

function matchGroup<Message extends ListedMessage>(
  messages: readonly Message[],
  rows: readonly MessageRow[],
  canBe: (message: Message, row: MessageRow) => boolean,
): HeaderMatch<Message>[] {
  if (new Set(rows.map(({ sha256 }) => sha256)).size !== 1) {
    return [];
  }
  const matches: HeaderMatch<Message>[] = [];
  const taken = new Set<number>();
  for (const message of messages) {
    const row = rows.find((each) => !taken.has(each.rowId) && canBe(message, each));
    if (row === undefined) {
      // One too many, or of another size: one of them is another message, and nobody can say which.
      return [];
    }
    taken.add(row.rowId);
    matches.push({ message, row });
  }
  return matches;
}
