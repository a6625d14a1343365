/**
 * Gathers the many small writes of one frame and hands them over as one, so that a frame is never seen half drawn. Each
 * frame gives back cursor and line wrapping by itself: killed between any two frames, the terminal is as it was.
 */
import { Writable } from 'node:stream';
import type { Output } from './output.ts';

/** DECTCEM and DECAWM (xterm control sequences): hide the cursor and do not wrap while a frame is drawn. */
const BEFORE_FRAME = '\u001b[?25l\u001b[?7l';
const AFTER_FRAME = '\u001b[?7h\u001b[?25h';
const FALLBACK_COLUMNS = 80;
const FALLBACK_ROWS = 24;

export class FrameStream extends Writable {
  /** cli-progress draws only on what says that it is a terminal. */
  readonly isTTY = true;
  readonly #output: Output;
  #gathered = '';

  constructor(output: Output) {
    super({ decodeStrings: false });
    this.#output = output;
  }

  get columns(): number {
    return this.#output.stream.columns || FALLBACK_COLUMNS;
  }

  get rows(): number {
    return this.#output.stream.rows || FALLBACK_ROWS;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#gathered += chunk.toString();
    done();
  }

  /** Shows what was gathered. */
  flush(): void {
    if (this.#gathered !== '') {
      this.#output.write(`${BEFORE_FRAME}${this.#gathered}${AFTER_FRAME}`);
      this.#gathered = '';
    }
  }

  /** Forgets a frame that looks like the one on the screen. Only right where both leave the cursor at the same place. */
  discard(): void {
    this.#gathered = '';
  }
}
