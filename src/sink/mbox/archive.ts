/**
 * One account's mbox, open for writing. Before a batch is appended, the journal announces where it will lie; after a crash
 * that tells our unfinished tail, which is cut, from another program's mail, which never is (tail.ts).
 *
 * The file is opened anew for each batch, and its length compared with the journal each time: so a batch whose receipts
 * were never recorded is cut away before the next one, whether the process died in between or not.
 */
import { fstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Failpoint } from '../../errors/failpoint.ts';
import { MailferryError } from '../../errors/mailferry-error.ts';
import { type Disk, syncData, syncFile, syncFolder } from '../disk.ts';
import type {
  Receipt,
  SinkArchive,
  SinkJournal,
  StorableMessage,
  StoreOutcome,
  StoreResult,
  Verification,
} from '../sink.ts';
import { isNotFound, sinkError, throwIfAborted } from '../sink-error.ts';
import { storedFormOf } from '../stored-form.ts';
import type { Dotlock } from './dotlock.ts';
import { formatMboxJournal, type MboxJournal, parseMboxJournal } from './journal.ts';
import { formatLocation, parseLocation } from './location.ts';
import { MboxPlan, type PlannedRecord } from './plan.ts';
import { verifyInMbox } from './reader.ts';
import { decideTail, hasAnnouncedLines, missingSeparator } from './tail.ts';
import { MboxWriter } from './writer.ts';

export interface MboxArchiveParts {
  /** Absolute path of the file. */
  readonly root: string;
  readonly journal: SinkJournal;
  readonly disk: Disk;
  readonly failpoint: Failpoint;
  readonly lock: Dotlock;
  readonly warn: (text: string) => void;
}

export class MboxArchive implements SinkArchive {
  readonly root: string;
  readonly #parts: MboxArchiveParts;
  #hasWarned = false;

  constructor(parts: MboxArchiveParts) {
    this.root = parts.root;
    this.#parts = parts;
  }

  /** Cuts what a crash left behind, if it did. @throws MailferryError `mbox-foreign-tail` (scope account) */
  async mend(): Promise<void> {
    await this.#withFile((fd) => this.#settle(fd, this.#readJournal()));
  }

  async store(batch: readonly StorableMessage[], signal: AbortSignal): Promise<StoreResult> {
    try {
      throwIfAborted(signal);
      this.#parts.lock.touch();
      return await this.#withFile(async (fd) => this.#append(fd, batch, signal));
    } catch (thrown) {
      throw sinkError(`append to the mbox ${this.root}`, thrown);
    }
  }

  verify(receipt: Receipt): Promise<Verification> {
    return verifyInMbox(this.root, receipt);
  }

  /** Nothing is moved in an mbox: what is damaged stays where it is, and is noted, so that nobody takes it for mail. */
  async setAside(receipts: readonly Receipt[]): Promise<void> {
    const noted = this.#readJournal();
    const starts = receipts.flatMap(({ location }) => parseLocation(location)?.offset ?? []);
    const damaged = [...new Set([...noted.damaged, ...starts])];
    await this.#parts.journal.write(formatMboxJournal({ ...noted, damaged }));
  }

  async close(): Promise<void> {
    this.#parts.lock.release();
  }

  async #append(fd: number, batch: readonly StorableMessage[], signal: AbortSignal): Promise<StoreResult> {
    // Read once: while a batch is being appended it has a line for each of its messages.
    const journal = this.#readJournal();
    const { damaged } = journal;
    const start = await this.#settle(fd, journal);
    const plan = new MboxPlan(start, missingSeparator(fd, start));
    await plan.add(batch, signal);
    if (plan.records.length > 0) {
      await this.#announce(start, plan, damaged);
      await this.#write(fd, start, plan, signal);
    }
    return {
      outcomes: outcomesOf(batch, plan),
      journal: formatMboxJournal({ committed: plan.end, pending: undefined, damaged }),
    };
  }

  /** From here on until the receipts are recorded, what lies behind `start` in these places is ours. */
  async #announce(start: number, { end, records }: MboxPlan, damaged: MboxJournal['damaged']): Promise<void> {
    const fromLines = records.map(({ announced }) => announced);
    const pending = { end, fromLines };
    await this.#parts.journal.write(formatMboxJournal({ committed: start, pending, damaged }));
    this.#parts.failpoint('sink.mbox.intended');
  }

  #readJournal(): MboxJournal {
    return parseMboxJournal(this.#parts.journal.read());
  }

  /**
   * The file gets its new length first. Whoever appends without asking for the lock then appends behind our part, where
   * we overwrite nothing of his; and however a crash cuts ours short, his mail cannot be taken for a piece of it.
   */
  async #write(fd: number, start: number, plan: MboxPlan, signal: AbortSignal): Promise<void> {
    const { disk, failpoint } = this.#parts;
    try {
      disk.truncate(fd, plan.end);
      failpoint('sink.mbox.extended');
      await new MboxWriter(disk, fd, start).write(plan.records, signal);
      failpoint('sink.mbox.appended');
      await syncData(disk, fd);
      failpoint('sink.mbox.synced');
    } catch (thrown) {
      await this.#cutBack(fd, start, plan.end);
      throw thrown;
    }
  }

  /** Best effort: what stays is announced in the journal, and is looked at before the next batch. */
  async #cutBack(fd: number, start: number, end: number): Promise<void> {
    try {
      if (fstatSync(fd).size <= end) {
        this.#parts.disk.truncate(fd, start);
        await syncFile(this.#parts.disk, fd);
      }
    } catch {
      // The failure that brought us here is the one to tell.
    }
  }

  /** Brings the file's end and the journal to agree. @returns where to append */
  async #settle(fd: number, journal: MboxJournal): Promise<number> {
    const { disk, failpoint } = this.#parts;
    const { size } = fstatSync(fd);
    switch (decideTail(journal, size, (pending) => hasAnnouncedLines(fd, journal.committed, size, pending))) {
      case 'clean':
      case 'adopted':
        return size;
      case 'shrunk':
        this.#warnOnce(
          `${this.root} has ${size} octets, ${journal.committed} were recorded: another program rewrote it. ` +
            'Receipts of messages in it may no longer hold.',
        );
        return size;
      case 'ours':
        disk.truncate(fd, journal.committed);
        await syncFile(disk, fd);
        failpoint('sink.mbox.cut');
        return journal.committed;
      case 'foreign':
        throw foreignTail(this.root, journal.committed, size);
    }
  }

  #warnOnce(text: string): void {
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      this.#parts.warn(text);
    }
  }

  async #withFile<T>(use: (fd: number) => Promise<T>): Promise<T> {
    const fd = await this.#open();
    try {
      return await use(fd);
    } finally {
      this.#parts.disk.close(fd);
    }
  }

  /** Opens the file, or makes it durably. */
  async #open(): Promise<number> {
    const { disk, failpoint } = this.#parts;
    try {
      return disk.open(this.root, 'r+', 0);
    } catch (thrown) {
      if (!isNotFound(thrown)) {
        throw thrown;
      }
    }
    const fd = disk.open(this.root, 'wx+', 0o600);
    try {
      await syncFile(disk, fd);
      await syncFolder(disk, dirname(this.root));
      failpoint('sink.mbox.created');
      return fd;
    } catch (thrown) {
      disk.close(fd);
      throw thrown;
    }
  }
}

function outcomesOf(batch: readonly StorableMessage[], plan: MboxPlan): readonly StoreOutcome[] {
  const provedAt = Date.now();
  const stored = new Map(plan.records.map((record) => [record.storable, receiptFor(record, provedAt)]));
  return batch.map((storable): StoreOutcome => {
    const error = plan.failures.get(storable);
    const receipt = stored.get(storable);
    if (error !== undefined) {
      return { kind: 'failed', error };
    }
    if (receipt === undefined) {
      throw new Error('a message of the batch came to no outcome');
    }
    return { kind: 'stored', receipt };
  });
}

function receiptFor({ message, bodyOffset, bodyOctets }: PlannedRecord, provedAt: number): Receipt {
  return {
    location: formatLocation({ offset: bodyOffset, octets: bodyOctets }),
    form: storedFormOf(message),
    storedOctets: bodyOctets,
    sha256: message.sha256,
    proof: 'synced',
    provedAt,
  };
}

function foreignTail(path: string, committed: number, size: number): MailferryError {
  return new MailferryError(
    `${path} goes on behind octet ${committed}, up to ${size}: there is the end of an interrupted run, ` +
      'and mail that another program wrote behind it',
    {
      code: 'mbox-foreign-tail',
      scope: 'account',
      retry: 'never',
      hint:
        `Move what stands behind octet ${committed} into another file and cut this one to ${committed} octets; ` +
        'what mailferry wrote there is stored again by the next run.',
    },
  );
}
