/** Streams and events for the tests of reporters: no terminal, no clock of the machine. */
import { Writable } from 'node:stream';
import { NO_COUNTS } from '../../src/pipeline/counts.ts';
import type { MailferryEvent } from '../../src/pipeline/events.ts';
import type { ReporterClock } from '../../src/report/clock.ts';
import type { AccountFinished, Counts } from '../../src/report/counts.ts';

export class FakeStream extends Writable {
  text = '';
  writes = 0;
  columns: number | undefined;
  rows: number | undefined;
  readonly isTTY: boolean;
  /** What each write answers; undefined for success. */
  failure: Error | undefined;

  constructor(terminal?: { columns: number; rows: number }) {
    super({ decodeStrings: false });
    this.isTTY = terminal !== undefined;
    this.columns = terminal?.columns;
    this.rows = terminal?.rows;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (this.failure !== undefined) {
      done(this.failure);
      return;
    }
    this.text += chunk.toString();
    this.writes += chunk.length > 0 ? 1 : 0;
    done();
  }
}

/** A clock that stands until it is moved. */
export class FakeClock implements ReporterClock {
  #now = Date.UTC(2026, 0, 2, 3, 4, 5);
  #tasks = new Set<{ intervalMs: number; dueAt: number; task: () => void }>();

  now(): number {
    return this.#now;
  }

  repeat(intervalMs: number, task: () => void): () => void {
    const entry = { intervalMs, dueAt: this.#now + intervalMs, task };
    this.#tasks.add(entry);
    return () => this.#tasks.delete(entry);
  }

  get taskCount(): number {
    return this.#tasks.size;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#tasks].filter(({ dueAt }) => dueAt <= end).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (due === undefined) {
        break;
      }
      this.#now = due.dueAt;
      due.dueAt += due.intervalMs;
      due.task();
    }
    this.#now = end;
  }
}

/**
 * The least of a terminal that shows whether bars tear: printing, line feed, carriage return, cursor up and column, erase,
 * wrapping. It throws on a sequence that it does not know.
 */
export class FakeScreen {
  readonly lines: string[] = [''];
  #row = 0;
  #column = 0;
  isCursorVisible = true;
  isWrapping = true;
  readonly columns: number;

  constructor(columns: number) {
    this.columns = columns;
  }

  feed(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are made of them
    for (const token of text.match(/\x1b\[[?0-9;]*[A-Za-z]|\n|\r|[^\x1b\n\r]/gu) ?? []) {
      this.#apply(token);
    }
  }

  /** What is on the screen, without empty lines at the end. */
  get text(): string {
    return this.lines
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd();
  }

  #apply(token: string): void {
    if (token === '\n') {
      this.#row += 1;
      this.#column = 0;
      this.#line();
    } else if (token === '\r') {
      this.#column = 0;
    } else if (token.startsWith('\u001b[')) {
      this.#control(token.slice(2, -1), token.slice(-1));
    } else {
      this.#print(token);
    }
  }

  #line(): string {
    while (this.lines.length <= this.#row) {
      this.lines.push('');
    }
    return this.lines[this.#row] ?? '';
  }

  #print(character: string): void {
    if (this.#column >= this.columns) {
      if (!this.isWrapping) {
        this.#column = this.columns - 1;
      } else {
        this.#row += 1;
        this.#column = 0;
      }
    }
    const line = this.#line().padEnd(this.#column);
    this.lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column += 1;
  }

  #control(parameter: string, final: string): void {
    const count = Number(parameter) || 1;
    switch (`${parameter.startsWith('?') ? parameter : ''}${final}`) {
      case 'A':
        this.#row = Math.max(0, this.#row - count);
        break;
      case 'G':
        this.#column = count - 1;
        break;
      case 'J':
        this.lines[this.#row] = this.#line().slice(0, this.#column);
        this.lines.length = this.#row + 1;
        break;
      case 'K':
        this.lines[this.#row] = parameter === '2' ? '' : this.#line().slice(0, this.#column);
        break;
      case 'm':
        break;
      case '?25h':
      case '?25l':
        this.isCursorVisible = final === 'h';
        break;
      case '?7h':
      case '?7l':
        this.isWrapping = final === 'h';
        break;
      default:
        throw new Error(`unknown sequence ESC[${parameter}${final}`);
    }
  }
}

export function countsOf(some: Partial<Counts>): Counts {
  const counts = { ...NO_COUNTS, ...some };
  const { archivedNow, archivedBefore, skipped, quarantined, failed } = counts;
  return { ...counts, listed: some.listed ?? archivedNow + archivedBefore + skipped + quarantined + failed };
}

export function finished(
  account: string,
  some: Partial<Omit<AccountFinished, 'counts'>> & { counts?: Partial<Counts> },
): AccountFinished {
  return {
    type: 'account.finished',
    account,
    outcome: 'done',
    failure: undefined,
    hint: undefined,
    durationMs: 1200,
    ...some,
    counts: countsOf(some.counts ?? {}),
  };
}

export function runFinished(
  accounts: number,
  some: Partial<Counts>,
  outcome: AccountFinished['outcome'] = 'done',
): MailferryEvent {
  return {
    type: 'run.finished',
    job: 'nightly',
    runId: 7,
    outcome,
    accounts,
    counts: countsOf(some),
    durationMs: 65_000,
  };
}

export function runStarted(accounts: number): MailferryEvent {
  return { type: 'run.started', job: 'nightly', runId: 7, accounts };
}

/** Every event once, each optional field missing: what a table of fields must cover. */
export const HOSTILE_TEXTS = [
  '\u001b[2J\u001b[H',
  '\u001b]0;owned\u0007',
  '\u001b]8;;http://evil.example\u001b\\click\u001b]8;;\u001b\\',
  '\u009b31m',
  '\u009d0;title\u009c',
  'line\nerror: forged',
  'over\rwritten',
  'back\b\b\b\bspace',
  '\u202egnp.exe',
  '\u2066isolated',
  '\u2028separated\u2029',
  '\ud800 lone',
  'nul\u0000',
  '\u{e0041}tag',
  `z${'\u0301'.repeat(5000)}`,
  'x'.repeat(100_000),
  '日本語'.repeat(50),
];
