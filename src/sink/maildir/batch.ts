/**
 * The files of one batch on their way into a Maildir: all written in `tmp`, all synced, all renamed into `new`, then the
 * folder synced once. Until that last step nothing of the batch counts.
 *
 * Opening and writing is synchronous (30 µs for a file of 4 KB), syncing is not: see sync-group.ts.
 */
import { join } from 'node:path';
import type { Failpoint } from '../../errors/failpoint.ts';
import type { MailferryError } from '../../errors/mailferry-error.ts';
import {
  copyAsLf,
  countLineEnds,
  LfConverter,
  type LfCopy,
  LineEndCounter,
} from '../../message/line-ends.ts';
import type { LargeContent, Message } from '../../message/message.ts';
import { readPieces } from '../../message/pieces.ts';
import { compareClaims } from '../content-check.ts';
import { type Disk, removeFile, syncFolder, writeAll } from '../disk.ts';
import { isMessageError, throwIfAborted } from '../sink-error.ts';
import type { Slots } from '../slots.ts';
import { storedFormOf } from '../stored-form.ts';
import type { TemporaryNames } from './folder.ts';
import { GROUP_FILES, SyncGroup } from './sync-group.ts';

/** Large enough for most messages that are kept in memory. */
const SCRATCH_OCTETS = 64 * 1024;

export interface PlannedFile {
  readonly base: string;
  readonly message: Message;
}

export interface MaildirBatchParts {
  readonly disk: Disk;
  readonly root: string;
  readonly temporaryNames: TemporaryNames;
  readonly failpoint: Failpoint;
  /** A slot for each file that is open, over all archives of the sink. */
  readonly slots: Slots;
}

interface WrittenFile {
  readonly from: string;
  readonly to: string;
  /** Renamed: it is in its place. */
  isMoved: boolean;
}

export class MaildirBatch {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #names: TemporaryNames;
  readonly #failpoint: Failpoint;
  readonly #written: WrittenFile[] = [];
  readonly #slots: Slots;
  /** One for all messages: what is made for each costs more than converting it. */
  #scratch = Buffer.alloc(0);

  constructor({ disk, root, temporaryNames, failpoint, slots }: MaildirBatchParts) {
    this.#disk = disk;
    this.#root = root;
    this.#names = temporaryNames;
    this.#failpoint = failpoint;
    this.#slots = slots;
  }

  /**
   * Stores the files durably.
   * @returns the messages that are not what they say, with the reason; all others are stored
   * @throws what a system call threw; then nothing of the batch counts as stored
   */
  async store(
    files: readonly PlannedFile[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<PlannedFile, MailferryError>> {
    try {
      const failures = new Map<PlannedFile, MailferryError>();
      await this.#writeGroups(files, failures, signal);
      this.#failpoint('sink.maildir.synced');
      throwIfAborted(signal);
      for (const file of this.#written) {
        this.#disk.rename(file.from, file.to);
        file.isMoved = true;
        this.#failpoint('sink.maildir.renamed');
      }
      await syncFolder(this.#disk, join(this.#root, 'new'));
      this.#failpoint('sink.maildir.folder-synced');
      return failures;
    } catch (thrown) {
      this.#takeBack();
      throw thrown;
    }
  }

  /** While one group is synced the next is written: a tenth faster than one after the other (10,000 files of 4 KB, ext4). */
  async #writeGroups(
    files: readonly PlannedFile[],
    failures: Map<PlannedFile, MailferryError>,
    signal: AbortSignal,
  ): Promise<void> {
    let syncing: Promise<void> = Promise.resolve();
    try {
      for (let at = 0; at < files.length; at += GROUP_FILES) {
        const ofGroup = files.slice(at, at + GROUP_FILES);
        const release = await this.#slots.take(ofGroup.length);
        const group = new SyncGroup(this.#disk);
        try {
          await this.#writeGroup(ofGroup, group, failures, signal);
        } catch (thrown) {
          group.abandon();
          release();
          throw thrown;
        }
        const before = syncing;
        syncing = group.sync().finally(release);
        // Whoever waits for it is told; it may fail before somebody does.
        syncing.catch(() => undefined);
        await before;
      }
    } finally {
      await syncing;
    }
  }

  /** @param failures is given the messages that must not be stored; nothing of them is left */
  async #writeGroup(
    files: readonly PlannedFile[],
    group: SyncGroup,
    failures: Map<PlannedFile, MailferryError>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const file of files) {
      throwIfAborted(signal);
      const fd = this.#create(file);
      let failure: MailferryError | undefined;
      try {
        const { message } = file;
        const { content } = message;
        // Waiting only where there is something to wait for: this loop runs for every message.
        failure =
          content.kind === 'memory'
            ? this.#writeBuffer(fd, message, content.buffer)
            : await this.#writePieces(fd, message, content, signal);
      } catch (thrown) {
        if (!isMessageError(thrown)) {
          this.#disk.close(fd);
          throw thrown;
        }
        failure = thrown;
      }
      if (failure === undefined) {
        group.take(fd);
        this.#failpoint('sink.maildir.written');
      } else {
        this.#disk.close(fd);
        this.#abandonLast();
        failures.set(file, failure);
      }
    }
  }

  /** @returns the file's descriptor, in `tmp` */
  #create({ base }: PlannedFile): number {
    const file = {
      from: `${this.#root}/tmp/${this.#names.next()}`,
      to: `${this.#root}/new/${base}`,
      isMoved: false,
    };
    const fd = this.#disk.open(file.from, 'wx', 0o600);
    this.#written.push(file);
    return fd;
  }

  /** @returns why the message must not be stored */
  #writeBuffer(fd: number, message: Message, octets: Buffer): MailferryError | undefined {
    const { stored, lineEnds } =
      storedFormOf(message) === 'lf'
        ? this.#asLf(octets)
        : { stored: octets, lineEnds: countLineEnds(octets) };
    const mismatch = compareClaims(message, octets.length, lineEnds);
    if (mismatch === undefined) {
      writeAll(this.#disk, fd, stored, 0);
    }
    return mismatch;
  }

  /** @returns why the message must not be stored */
  async #writePieces(
    fd: number,
    message: Message,
    content: LargeContent,
    signal: AbortSignal,
  ): Promise<MailferryError | undefined> {
    const converter = storedFormOf(message) === 'lf' ? new LfConverter() : undefined;
    const counter = new LineEndCounter();
    let octets = 0;
    let position = 0;
    const write = (piece: Buffer): void => {
      writeAll(this.#disk, fd, piece, position);
      position += piece.length;
    };
    for await (const piece of readPieces(content)) {
      throwIfAborted(signal);
      octets += piece.length;
      if (converter === undefined) {
        counter.push(piece);
        write(piece);
      } else {
        converter.push(piece, write);
      }
    }
    converter?.end(write);
    return compareClaims(message, octets, (converter ?? counter).lineEnds);
  }

  #abandonLast(): void {
    const file = this.#written.pop();
    if (file !== undefined) {
      removeFile(this.#disk, file.from);
    }
  }

  /**
   * Removes what is still in `tmp`. What was moved already stays: it is whole and synced, it may have taken the place of an
   * equal file that has a receipt, and storing it again will recognise it.
   */
  #takeBack(): void {
    for (const { from } of this.#written.filter(({ isMoved }) => !isMoved)) {
      try {
        removeFile(this.#disk, from);
      } catch {
        // Cleaned when the archive is opened again.
      }
    }
  }

  /** The octets with each CRLF as LF, good until the next call, and what was counted on the way. */
  #asLf(octets: Buffer): { readonly stored: Buffer; readonly lineEnds: LfCopy } {
    if (this.#scratch.length < octets.length) {
      this.#scratch = Buffer.allocUnsafeSlow(Math.max(SCRATCH_OCTETS, octets.length));
    }
    const lineEnds = copyAsLf(octets, 0, octets.length, this.#scratch, 0);
    return { stored: this.#scratch.subarray(0, lineEnds.end), lineEnds };
  }
}
