/**
 * Archives in mbox format: one file for an account, mboxrd quoting, appended to under a dotlock.
 */

import { dirname } from 'node:path';
import { type Failpoint, NO_FAILPOINT } from '../../errors/failpoint.ts';
import { MailferryError } from '../../errors/mailferry-error.ts';
import { type Disk, NODE_DISK } from '../disk.ts';
import { makeFolders } from '../durable-folder.ts';
import type { ReadablePlace, Sink, SinkAccount, SinkArchive, SinkJournal, SinkReader } from '../sink.ts';
import { sinkError } from '../sink-error.ts';
import { MboxArchive } from './archive.ts';
import { takeDotlock } from './dotlock.ts';
import { MboxReader } from './reader.ts';

export interface MboxSinkOptions {
  readonly name: string;
  /** The absolute path of an account's mbox. Two accounts cannot share one: each would take the other's mail for a stranger's. */
  readonly pathFor: (account: SinkAccount) => string;
  /** How long to wait for the lock. */
  readonly patienceMs: number;
  /** Told what is worth knowing and stops nothing: the file was rewritten by another program. */
  readonly warn?: (account: string, text: string) => void;
  /** For tests. */
  readonly disk?: Disk;
  /** For tests. */
  readonly failpoint?: Failpoint;
}

export class MboxSink implements Sink {
  readonly name: string;
  readonly #options: MboxSinkOptions;
  /** Whose each path is, for the life of the sink. */
  readonly #owners = new Map<string, string>();

  constructor(options: MboxSinkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async openArchive(account: SinkAccount, journal: SinkJournal): Promise<SinkArchive> {
    const { pathFor, patienceMs, warn, disk = NODE_DISK, failpoint = NO_FAILPOINT } = this.#options;
    const root = pathFor(account);
    this.#assertOwner(root, account);
    try {
      await makeFolders(disk, [dirname(root)]);
      const lock = await takeDotlock(root, patienceMs);
      try {
        const archive = new MboxArchive({
          root,
          journal,
          disk,
          failpoint,
          lock,
          warn: (text) => warn?.(account.id, text),
        });
        await archive.mend();
        failpoint('sink.mbox.opened');
        return archive;
      } catch (thrown) {
        lock.release();
        throw thrown;
      }
    } catch (thrown) {
      throw sinkError(`open the mbox ${root}`, thrown);
    }
  }

  async openReader(place: ReadablePlace): Promise<SinkReader> {
    return new MboxReader(place);
  }

  async close(): Promise<void> {}

  #assertOwner(root: string, { id }: SinkAccount): void {
    const owner = this.#owners.get(root) ?? id;
    if (owner !== id) {
      throw new MailferryError(`the accounts ${owner} and ${id} would share the mbox ${root}`, {
        code: 'mbox-shared',
        scope: 'account',
        retry: 'never',
        hint: 'Put {account} into the path of the mbox.',
      });
    }
    this.#owners.set(root, id);
  }
}
