/**
 * Progress bars on a terminal: a row for each of the first accounts at work, one in total, log lines above. It must not
 * know what the rows say (bar-rows.ts) nor where a run stands (progress-board.ts).
 *
 * cli-progress moves the cursor and keeps the time (ten frames a second); it draws into a FrameStream. What it draws are
 * rows of ours: as many bars as the frame has rows, each printing its row. The last row is empty, so that whatever else
 * writes to the terminal (a crash, another process) begins on a line of its own below the bars.
 */
import { MultiBar } from 'cli-progress';
import type { MailferryEvent } from '../pipeline/events.ts';
import { renderBarRows } from './bar-rows.ts';
import type { ReporterClock } from './clock.ts';
import type { Paint } from './colour.ts';
import { FrameStream } from './frame-stream.ts';
import type { LogFeed } from './log-feed.ts';
import { renderLogLine } from './log-text.ts';
import type { Output } from './output.ts';
import { ProgressBoard } from './progress-board.ts';
import type { Reporter } from './reporter.ts';

const FRAMES_PER_SECOND = 10;
/** Log lines held back for the next frame; more are shown at once. */
const MOST_HELD_LINES = 500;
/** ED (ECMA-48 §8.3.39): erase from the cursor to the end of the screen. */
const ERASE_BELOW = '\u001b[J';
const WRAP_ON = '\u001b[?7h';
const WRAP_OFF = '\u001b[?7l';

export interface BarsParts {
  readonly output: Output;
  readonly feed: LogFeed;
  readonly paint: Paint;
  readonly clock: ReporterClock;
}

export class BarsReporter implements Reporter {
  readonly #parts: BarsParts;
  #display: BarDisplay | undefined;

  constructor(parts: BarsParts) {
    this.#parts = parts;
  }

  report(event: MailferryEvent): void {
    if (event.type === 'run.started' || event.type === 'verification.started') {
      this.#stop();
      const board = new ProgressBoard(event.accounts, this.#parts.clock);
      this.#display = new BarDisplay(this.#parts.output, board);
    }
    this.#display?.board.take(event);
    if (event.type === 'run.finished' || event.type === 'verification.finished') {
      this.#stop();
    }
    for (const line of this.#parts.feed.linesFor(event)) {
      this.#show(renderLogLine(line, this.#parts.paint));
    }
    if (!this.#parts.output.isOpen) {
      this.#stop();
    }
  }

  close(): Promise<void> {
    this.#stop();
    return Promise.resolve();
  }

  #show(line: string): void {
    if (this.#display === undefined) {
      this.#parts.output.write(`${line}\n`);
    } else {
      this.#display.log(line);
    }
  }

  #stop(): void {
    this.#display?.stop();
    this.#display = undefined;
  }
}

/** The bars of one run or verification, from its start to its end. */
class BarDisplay {
  readonly board: ProgressBoard;
  readonly #output: Output;
  readonly #stream: FrameStream;
  readonly #multi: MultiBar;
  readonly #bars: ReturnType<MultiBar['create']>[] = [];
  #held: string[] = [];
  #rows: string[] = [];
  #shown = '';
  #hasLogged = false;
  #isFitting = false;

  constructor(output: Output, board: ProgressBoard) {
    this.board = board;
    this.#output = output;
    this.#stream = new FrameStream(output);
    this.#multi = new MultiBar({
      stream: this.#stream,
      fps: FRAMES_PER_SECOND,
      // Log lines push the rows down, so that all of them are drawn anew, changed or not.
      forceRedraw: true,
      clearOnComplete: true,
      // Signals belong to the command line; the cursor is given back by each frame.
      gracefulExit: false,
      hideCursor: false,
    });
    this.#multi.on('update-pre', () => this.#prepare());
    this.#multi.on('redraw-pre', () => this.#writeHeld());
    this.#multi.on('update-post', () => this.#finishFrame());
    this.#addBar();
  }

  /** Shows a line above the bars with the next frame. */
  log(line: string): void {
    this.#held.push(line);
    if (this.#held.length >= MOST_HELD_LINES) {
      this.#multi.update();
    }
  }

  /** Erases the bars, shows what was held back. */
  stop(): void {
    this.#multi.stop();
    this.#stream.flush();
    this.#output.write(this.#held.map((line) => `${line}\n`).join(''));
    this.#held = [];
  }

  #addBar(): void {
    const index = this.#bars.length;
    this.#bars.push(this.#multi.create(1, 0, {}, { format: () => this.#rows[index] ?? '' }));
  }

  /** Before a frame is drawn: what it says, and a bar for each of its rows. */
  #prepare(): void {
    this.#rows = [...renderBarRows(this.board, this.#stream.columns, this.#stream.rows), ''];
    while (this.#bars.length < this.#rows.length) {
      this.#addBar();
    }
  }

  /** The cursor is at the first row. Erasing all below also removes what a resized terminal has wrapped. */
  #writeHeld(): void {
    this.#hasLogged ||= this.#held.length > 0;
    const lines = this.#held.map((line) => `${line}\n`).join('');
    this.#stream.write(`${ERASE_BELOW}${WRAP_ON}${lines}${WRAP_OFF}`);
    this.#held = [];
  }

  #finishFrame(): void {
    if (this.#isFitting) {
      return;
    }
    this.#removeSpareBars();
    const frame = `${this.#stream.columns}x${this.#stream.rows}\n${this.#rows.join('\n')}`;
    if (frame === this.#shown && !this.#hasLogged) {
      this.#stream.discard();
    } else {
      this.#stream.flush();
    }
    this.#shown = frame;
    this.#hasLogged = false;
  }

  /** Removing a bar draws at once and once more, which would come back here; all of it still is one frame. */
  #removeSpareBars(): void {
    this.#isFitting = true;
    while (this.#bars.length > this.#rows.length) {
      const spare = this.#bars.pop();
      if (spare !== undefined) {
        this.#multi.remove(spare);
      }
    }
    this.#isFitting = false;
  }
}
