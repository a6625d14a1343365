/**
 * Writes planned records to an mbox: as few and as large writes as one buffer of 1 MiB allows. Small messages are
 * converted and quoted straight into that buffer; large ones pass through it in pieces.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import { copyAsLf, LfConverter } from '../../message/line-ends.ts';
import type { LargeContent } from '../../message/message.ts';
import { readPieces } from '../../message/pieces.ts';
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
  async write(records: readonly PlannedRecord[], signal: AbortSignal): Promise<void> {
    for (const record of records) {
      throwIfAborted(signal);
      const { message, before, after, end } = record;
      this.#put(Buffer.from(before, 'latin1'));
      // Waiting only where there is something to wait for: this runs for every message.
      if (message.content.kind === 'memory') {
        this.#putWhole(record, message.content.buffer);
      } else {
        await this.#putPieces(record, message.content, signal);
      }
      this.#put(Buffer.from(after, 'latin1'));
      if (this.#position + this.#used !== end) {
        throw brokenPlan(end, this.#position + this.#used);
      }
    }
    this.#flush();
  }

  /** Writes what is still held. */
  #flush(): void {
    if (this.#used === 0) {
      return;
    }
    writeAll(this.#disk, this.#fd, this.#buffer.subarray(0, this.#used), this.#position);
    this.#position += this.#used;
    this.#used = 0;
  }

  /** Straight into the buffer; into one of its own where it is larger than that. */
  #putWhole(record: PlannedRecord, octets: Buffer): void {
    const room = record.message.octets + record.quotes.length;
    if (room > BUFFER_OCTETS - this.#used) {
      this.#flush();
    }
    if (room <= BUFFER_OCTETS) {
      this.#used = render(record, octets, this.#buffer, this.#used);
    } else {
      const own = Buffer.allocUnsafeSlow(room);
      this.#append(own.subarray(0, render(record, octets, own, 0)));
    }
  }

  async #putPieces(record: PlannedRecord, content: LargeContent, signal: AbortSignal): Promise<void> {
    const converter = storedFormOf(record.message) === 'lf' ? new LfConverter() : undefined;
    const quoter = new Quoter();
    // Most messages need no quotes, which is known of those in memory. A file may have changed since: there the plan is held to what comes.
    const isPlain = content.kind === 'pages' && record.quoteCount === 0;
    const put = (octets: Buffer): void => this.#put(isPlain ? octets : quoter.push(octets));
    for await (const piece of readPieces(content)) {
      throwIfAborted(signal);
      if (converter === undefined) {
        put(piece);
      } else {
        converter.push(piece, put);
      }
    }
    converter?.end(put);
    this.#put(quoter.end());
  }

  #put(octets: Buffer): void {
    if (octets.length > BUFFER_OCTETS - this.#used) {
      this.#flush();
    }
    if (octets.length > BUFFER_OCTETS / 2) {
      this.#append(octets);
    } else {
      this.#used += octets.copy(this.#buffer, this.#used);
    }
  }

  /** Past the buffer, which must be empty or is written first. */
  #append(octets: Buffer): void {
    this.#flush();
    writeAll(this.#disk, this.#fd, octets, this.#position);
    this.#position += octets.length;
  }
}

/** The message in its stored form, quoted, written to `target` at `at`. @returns where it ends */
function render({ message, quotes }: PlannedRecord, octets: Buffer, target: Buffer, at: number): number {
  const isLf = storedFormOf(message) === 'lf';
  const copy = (start: number, end: number, to: number): number =>
    isLf ? copyAsLf(octets, start, end, target, to).end : to + octets.copy(target, to, start, end);
  let to = at;
  let from = 0;
  for (const quote of quotes) {
    to = copy(from, quote, to);
    target[to++] = GREATER;
    from = quote;
  }
  return copy(from, octets.length, to);
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
