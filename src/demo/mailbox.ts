/**
 * A mailbox that outlives its sessions, and the maildrop that one session holds of it (RFC 1939 §4, §6): a snapshot with
 * its own deletion marks and an exclusive lock. It must not know sockets or commands.
 */
import { asReceived, type Chunks } from './dot-stuffing.ts';

/** A message that is made when it is asked for, so that 100 MB need no memory. */
export interface GeneratedContent {
  /** What LIST says: the octets a client has after un-stuffing, with the CRLF that is added to an unfinished last line. */
  readonly octets: number;
  /** Called anew for each RETR and TOP; should give the same octets each time. */
  chunks(): Chunks;
}

export type Content = Buffer | GeneratedContent;

/** The octets of a message; alone, or with the unique-id it is to have. */
export type MessageInput = Content | { readonly content: Content; readonly uidl?: string };

export interface MailboxEntry {
  readonly uidl: string;
  readonly octets: number;
  readonly content: Content;
}

export type ChooseEntries = (entries: readonly MailboxEntry[]) => readonly MailboxEntry[];

/** How a session ended, and what it had done with messages by then. */
export interface SessionEnd {
  /** By QUIT: the UPDATE state was entered (RFC 1939 §6). */
  readonly isCommitted: boolean;
  readonly marked: ReadonlySet<MailboxEntry>;
  /** Sent in whole or in part, in answer to RETR. */
  readonly retrieved: ReadonlySet<MailboxEntry>;
}

/** What the end of a session removes. */
export type Removal = (end: SessionEnd) => ReadonlySet<MailboxEntry>;

/** RFC 1939 §6: QUIT removes what is marked, any other end removes nothing. */
const BY_RFC: Removal = ({ isCommitted, marked }) => (isCommitted ? marked : new Set());

/** The lasting side. All changes show in the sessions that begin after them, as RFC 1939 §4 wants it. */
export class Mailbox {
  #entries: readonly MailboxEntry[] = [];
  #deleted: readonly MailboxEntry[] = [];
  #isLocked = false;
  #nextUidl = 1;

  constructor(messages: Iterable<MessageInput> = []) {
    this.append(...messages);
  }

  /** What is left, in the order of the message numbers. */
  get entries(): readonly MailboxEntry[] {
    return this.#entries;
  }

  /** What DELE and QUIT have removed, in the order of removal. */
  get deleted(): readonly MailboxEntry[] {
    return this.#deleted;
  }

  get isLocked(): boolean {
    return this.#isLocked;
  }

  /** Delivers messages: unique-ids are given by counting, are never used twice, and look like `demo-00000001`. */
  append(...messages: readonly MessageInput[]): void {
    const entries = [...this.#entries];
    for (const message of messages) {
      entries.push(this.#entryOf(message));
    }
    this.#entries = entries;
  }

  /** Changes what is left as a server of the field might do without being asked: lose, reorder, rename, replace. */
  replaceEntries(change: (entries: readonly MailboxEntry[]) => readonly MailboxEntry[]): void {
    this.#entries = change(this.#entries);
  }

  /**
   * Takes the exclusive lock (RFC 1939 §4); undefined where another session holds it.
   * @param choose what of it the session is shown; all of it as a rule
   */
  open(choose: ChooseEntries = (entries) => entries): Maildrop | undefined {
    if (this.#isLocked) {
      return undefined;
    }
    this.#isLocked = true;
    return new Maildrop(choose(this.#entries), (removed) => this.#close(removed));
  }

  #close(removed: ReadonlySet<MailboxEntry>): void {
    this.#isLocked = false;
    if (removed.size > 0) {
      this.#deleted = [...this.#deleted, ...this.#entries.filter((entry) => removed.has(entry))];
      this.#entries = this.#entries.filter((entry) => !removed.has(entry));
    }
  }

  #entryOf(message: MessageInput): MailboxEntry {
    const { content, uidl } = 'content' in message ? message : { content: message, uidl: undefined };
    const octets = Buffer.isBuffer(content) ? asReceived(content).length : content.octets;
    return { uidl: uidl ?? this.#makeUidl(), octets, content };
  }

  #makeUidl(): string {
    const number = this.#nextUidl;
    this.#nextUidl += 1;
    return `demo-${String(number).padStart(8, '0')}`;
  }
}

/** One session's view. It is closed exactly once: by `commit` (UPDATE) or by `release` (anything else). */
export class Maildrop {
  readonly #entries: readonly MailboxEntry[];
  readonly #close: (removed: ReadonlySet<MailboxEntry>) => void;
  readonly #marked = new Set<MailboxEntry>();
  readonly #retrieved = new Set<MailboxEntry>();
  #isOpen = true;

  constructor(entries: readonly MailboxEntry[], close: (removed: ReadonlySet<MailboxEntry>) => void) {
    this.#entries = entries;
    this.#close = close;
  }

  /** The message of that number (from 1), or undefined where there is none or it is marked as deleted. */
  find(number: number): MailboxEntry | undefined {
    const entry = this.#entries[number - 1];
    return entry === undefined || this.#marked.has(entry) ? undefined : entry;
  }

  /** The messages that are not marked as deleted, with their numbers. */
  *left(): Generator<readonly [number: number, entry: MailboxEntry]> {
    for (const [index, entry] of this.#entries.entries()) {
      if (!this.#marked.has(entry)) {
        yield [index + 1, entry];
      }
    }
  }

  mark(entry: MailboxEntry): void {
    this.#marked.add(entry);
  }

  noteRetrieval(entry: MailboxEntry): void {
    this.#retrieved.add(entry);
  }

  reset(): void {
    this.#marked.clear();
  }

  /** The UPDATE state: removes what is marked, and unlocks. A server of the field may remove other messages. */
  commit(removal: Removal = BY_RFC): void {
    this.#end(true, removal);
  }

  /** Any other end of a session: removes nothing, and unlocks. A server of the field may remove messages all the same. */
  release(removal: Removal = BY_RFC): void {
    this.#end(false, removal);
  }

  #end(isCommitted: boolean, removal: Removal): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#close(removal({ isCommitted, marked: this.#marked, retrieved: this.#retrieved }));
    }
  }
}

/** A message of a maildrop in chunks. */
export function chunksOf(content: Content): Chunks {
  return Buffer.isBuffer(content) ? [content] : content.chunks();
}
