/**
 * Cuts a message after its header, the blank line and n lines of its body (RFC 1939 §7, TOP). Octets only.
 *
 * A line ends with LF here, its CR or not: the header of a message with bare LFs has an end too.
 */
import type { Chunks } from './dot-stuffing.ts';

const LF = 0x0a;

/** Reads no more of `chunks` than is needed. A message without a blank line is all header. */
export async function* topOf(chunks: Chunks, bodyLines: number): AsyncGenerator<Buffer> {
  const cutter = new TopCutter(bodyLines);
  for await (const chunk of chunks) {
    const end = cutter.endIn(chunk);
    yield end === undefined ? chunk : chunk.subarray(0, end);
    if (end !== undefined) {
      return;
    }
  }
}

class TopCutter {
  #linesLeft: number;
  #isInHeader = true;
  /** Text (other than a CR) has been seen in the line that is being read. */
  #hasText = false;

  constructor(bodyLines: number) {
    this.#linesLeft = bodyLines;
  }

  /** The offset in this chunk after which nothing is sent, or undefined where all of it is. */
  endIn(chunk: Buffer): number | undefined {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#see(chunk, start, end);
      start = end + 1;
      if (this.#endsHere()) {
        return start;
      }
    }
    this.#see(chunk, start, chunk.length);
    return undefined;
  }

  #see(chunk: Buffer, start: number, end: number): void {
    this.#hasText ||= end - start > 1 || (end - start === 1 && chunk[start] !== 0x0d);
  }

  /** Called at each line end. */
  #endsHere(): boolean {
    const isBlank = !this.#hasText;
    this.#hasText = false;
    if (!this.#isInHeader) {
      this.#linesLeft -= 1;
    } else if (isBlank) {
      this.#isInHeader = false;
    } else {
      return false;
    }
    return this.#linesLeft <= 0;
  }
}
