/**
 * Plain lines on stderr, for cron, pipes and dumb terminals: what happened, what failed, and every half minute where a long
 * run stands. Silent on a quiet night with `--quiet`.
 */
import type { LogLevel, MailferryEvent } from '../pipeline/events.ts';
import type { ReporterClock } from './clock.ts';
import type { Paint } from './colour.ts';
import { formatCount, formatMessageRate, formatOctetRate, formatOctets, formatTimeLeft } from './format.ts';
import { isShown, type LogFeed } from './log-feed.ts';
import { renderLogLine } from './log-text.ts';
import type { Output } from './output.ts';
import { ProgressBoard, type TotalProgress } from './progress-board.ts';
import type { Reporter } from './reporter.ts';

const PROGRESS_INTERVAL_MS = 30_000;

export interface LinesParts {
  readonly output: Output;
  readonly feed: LogFeed;
  readonly paint: Paint;
  readonly clock: ReporterClock;
  readonly level: LogLevel;
  readonly isQuiet: boolean;
}

export class LinesReporter implements Reporter {
  readonly #parts: LinesParts;
  #board: ProgressBoard | undefined;
  #stopProgress: (() => void) | undefined;

  constructor(parts: LinesParts) {
    this.#parts = parts;
  }

  report(event: MailferryEvent): void {
    if (event.type === 'run.started' || event.type === 'verification.started') {
      this.#start(event.accounts);
    }
    this.#board?.take(event);
    if (event.type === 'run.finished' || event.type === 'verification.finished') {
      this.#stop();
    }
    for (const line of this.#parts.feed.linesFor(event)) {
      this.#write(renderLogLine(line, this.#parts.paint));
    }
  }

  close(): Promise<void> {
    this.#stop();
    return Promise.resolve();
  }

  #start(accounts: number): void {
    this.#stop();
    const { clock, isQuiet, level } = this.#parts;
    if (isQuiet || !isShown('info', level)) {
      return;
    }
    const board = new ProgressBoard(accounts, clock);
    this.#board = board;
    this.#stopProgress = clock.repeat(PROGRESS_INTERVAL_MS, () =>
      this.#write(describeProgress(board.total())),
    );
  }

  #stop(): void {
    this.#stopProgress?.();
    this.#stopProgress = undefined;
    this.#board = undefined;
  }

  /** Whoever asks for details wants to know when; the others get short lines. */
  #write(text: string): void {
    const { output, clock, level, isQuiet } = this.#parts;
    const isDetailed = isShown('debug', level) && !isQuiet;
    output.write(`${isDetailed ? `${new Date(clock.now()).toISOString()} ` : ''}${text}\n`);
  }
}

/** `12/200 accounts, 3,456/10,000 messages, 12.3 MB, 85 msg/s, 1.2 MB/s, about 3:05 left`. */
function describeProgress(total: TotalProgress): string {
  const { accounts, finishedAccounts, waitingAccounts, doneMessages, doneOctets, wanted, rates, timeLeftMs } =
    total;
  return [
    `${formatCount(finishedAccounts)}/${formatCount(accounts)} accounts`,
    ...(waitingAccounts > 0 ? [`${formatCount(waitingAccounts)} waiting`] : []),
    ...(wanted === undefined
      ? []
      : [`${formatCount(doneMessages)}/${formatCount(wanted.messages)} messages`, formatOctets(doneOctets)]),
    ...(rates === undefined
      ? []
      : [formatMessageRate(rates.messagesPerSecond), formatOctetRate(rates.octetsPerSecond)]),
    ...(timeLeftMs === undefined ? [] : [`about ${formatTimeLeft(timeLeftMs)} left`]),
  ].join(', ');
}
