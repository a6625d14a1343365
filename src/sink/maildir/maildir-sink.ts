/**
 * Archives in Maildir format: a file for each message, CRLF as LF where that is reversible.
 *
 * What is durable when: a message is in `new` only after its octets were synced, and has a receipt only after `new` was
 * synced. A batch shares these waits (batch.ts). Killed in between, the next run finds the files by the keys in its
 * journal (journal.ts), compares their octets, and gives receipts for what is there instead of storing it again.
 */
import { type Failpoint, NO_FAILPOINT } from '../../errors/failpoint.ts';
import { MailferryError } from '../../errors/mailferry-error.ts';
import { type Disk, NODE_DISK } from '../disk.ts';
import type { ReadablePlace, Sink, SinkAccount, SinkArchive, SinkJournal, SinkReader } from '../sink.ts';
import { sinkError } from '../sink-error.ts';
import { Slots } from '../slots.ts';
import { MaildirArchive } from './archive.ts';
import { prepareMaildir, TemporaryNames } from './folder.ts';
import { MaildirReader } from './reader.ts';
import { GROUP_FILES } from './sync-group.ts';

/** Files that may be open at the same time, however many accounts there are: two groups (sync-group.ts), or many small ones. */
const OPEN_FILES = 2 * GROUP_FILES;

export interface MaildirSinkOptions {
  readonly name: string;
  /** The absolute path of an account's Maildir. Several accounts may share one: names of messages differ by account. */
  readonly pathFor: (account: SinkAccount) => string;
  /** For tests. */
  readonly disk?: Disk;
  /** For tests. */
  readonly failpoint?: Failpoint;
}

export class MaildirSink implements Sink {
  readonly name: string;
  readonly #pathFor: (account: SinkAccount) => string;
  readonly #disk: Disk;
  readonly #failpoint: Failpoint;
  readonly #temporaryNames = new TemporaryNames();
  readonly #slots = new Slots(OPEN_FILES);
  /** Two sessions of one account would each take the other's unfinished work for a crash's. */
  readonly #openAccounts = new Set<string>();

  constructor(options: MaildirSinkOptions) {
    this.name = options.name;
    this.#pathFor = options.pathFor;
    this.#disk = options.disk ?? NODE_DISK;
    this.#failpoint = options.failpoint ?? NO_FAILPOINT;
  }

  async openArchive(account: SinkAccount, journal: SinkJournal): Promise<SinkArchive> {
    const root = this.#pathFor(account);
    this.#lock(account, root);
    try {
      const isEmpty = await prepareMaildir(this.#disk, root);
      this.#failpoint('sink.maildir.opened');
      return new MaildirArchive({
        root,
        accountId: account.id,
        journal,
        isEmpty,
        disk: this.#disk,
        failpoint: this.#failpoint,
        temporaryNames: this.#temporaryNames,
        slots: this.#slots,
        onClose: () => this.#openAccounts.delete(account.id),
      });
    } catch (thrown) {
      this.#openAccounts.delete(account.id);
      throw sinkError(`open the Maildir ${root}`, thrown);
    }
  }

  async openReader(place: ReadablePlace): Promise<SinkReader> {
    return new MaildirReader(place);
  }

  async close(): Promise<void> {}

  #lock({ id }: SinkAccount, root: string): void {
    if (this.#openAccounts.has(id)) {
      throw new MailferryError(`the Maildir ${root} is already open for the account ${id}`, {
        code: 'sink-locked',
        scope: 'account',
        retry: 'later',
        hint: 'Let one session at a time archive an account.',
      });
    }
    this.#openAccounts.add(id);
  }
}
