/**
 * Writes planned records to an mbox: as few and as large writes as one buffer of 1 MiB allows. Small messages are
 * converted and quoted straight into that buffer; large ones pass through it in pieces.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import { readContent } from '../../message/content.ts';
import { copyAsLf, LfConverter } from '../../message/line-ends.ts';
import { type Disk, writeAll } from '../disk.ts';
import { throwIfAborted } from '../sink-error.ts';
import { storedFormOf } from '../stored-form.ts';
import type { PlannedRecord } from './plan.ts';
import { Quoter } from './quoting.ts';

const BUFFER_OCTETS = 1024 * 1024;
const GREATER = 62;

export class MboxWriter {
  readonly #disk: Disk;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_OCTETS);
  #used = 0;
  #position: number;

  /** Writes from `position` on. */
  constructor(disk: Disk, fd: number, position: number) {
    this.#disk = disk;
    this.#fd = fd;
    this.#position = position;
  }

  /** @throws MailferryError `message-mismatch` where what was written is not what was planned */
  async write(record: PlannedRecord, signal: AbortSignal): Promise<void> {
    const { message, before, after, end } = record;
    this.#put(Buffer.from(before, 'latin1'));
    if (message.content.kind === 'memory' && this.#hasRoomFor(message.octets + record.quotes.length)) {
      this.#putWhole(record, message.content.buffer);
    } else {
      await this.#putPieces(record, signal);
    }
    this.#put(Buffer.from(after, 'latin1'));
    if (this.#position + this.#used !== end) {
      throw brokenPlan(end, this.#position + this.#used);
    }
  }

  /** Writes what is still held. */
  flush(): void {
    writeAll(this.#disk, this.#fd, this.#buffer.subarray(0, this.#used), this.#position);
    this.#position += this.#used;
    this.#used = 0;
  }

  #hasRoomFor(octets: number): boolean {
    if (octets > BUFFER_OCTETS - this.#used && octets <= BUFFER_OCTETS) {
      this.flush();
    }
    return octets <= BUFFER_OCTETS - this.#used;
  }

  #putWhole({ message, quotes }: PlannedRecord, octets: Buffer): void {
    const isLf = storedFormOf(message) === 'lf';
    let from = 0;
    for (const quote of quotes) {
      this.#copy(octets, from, quote, isLf);
      this.#buffer[this.#used++] = GREATER;
      from = quote;
    }
    this.#copy(octets, from, octets.length, isLf);
  }

  #copy(octets: Buffer, start: number, end: number, isLf: boolean): void {
    this.#used = isLf
      ? copyAsLf(octets, start, end, this.#buffer, this.#used)
      : this.#used + octets.copy(this.#buffer, this.#used, start, end);
  }

  async #putPieces({ message }: PlannedRecord, signal: AbortSignal): Promise<void> {
    const converter = storedFormOf(message) === 'lf' ? new LfConverter() : undefined;
    const quoter = new Quoter();
    for await (const chunk of readContent(message)) {
      throwIfAborted(signal);
      this.#put(quoter.push(converter?.push(chunk) ?? chunk));
    }
    if (converter !== undefined) {
      this.#put(quoter.push(converter.end()));
    }
    this.#put(quoter.end());
  }

  #put(octets: Buffer): void {
    for (let at = 0; at < octets.length; ) {
      if (this.#used === BUFFER_OCTETS) {
        this.flush();
      }
      const copied = octets.copy(this.#buffer, this.#used, at);
      this.#used += copied;
      at += copied;
    }
  }
}

/** The octets changed after they were surveyed. What is behind them cannot stay where it was announced. */
function brokenPlan(planned: number, came: number): MailferryError {
  return new MailferryError(`an mbox record was announced to end at octet ${planned} and ended at ${came}`, {
    code: 'message-mismatch',
    scope: 'account',
    retry: 'later',
    hint: 'A spool file was changed while it was read: look at what else writes to the state folder, and at its disk.',
  });
}
