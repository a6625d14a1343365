/**
 * The closing report of a verification, on stdout: one line that says it all, a row for each account, then the list of what
 * differs. Bounded, however much that is. Quiet, it prints only where something differs.
 */
import type { MailferryEvent } from '../pipeline/events.ts';
import type { Paint, Style } from './colour.ts';
import { formatCount, formatDuration, formatOctets, plural, printable } from './format.ts';
import { describeFailure } from './log-line.ts';
import type { Output } from './output.ts';
import type { Reporter } from './reporter.ts';
import { type Cell, type Column, type Row, renderTable } from './table.ts';
import {
  type AccountVerified,
  describeDifferences,
  type MessageDiffers,
  type VerificationFinished,
  type VerifiedCounts,
} from './verification-text.ts';

/** Differences that are listed; --json tells of all. */
const MOST_DIFFERENCES = 1000;
/** Rows of a table that a person still reads; those with a difference come first. */
const MOST_ROWS = 40;

export interface VerificationParts {
  readonly output: Output;
  readonly paint: Paint;
  readonly isQuiet: boolean;
}

export class VerificationReporter implements Reporter {
  readonly #parts: VerificationParts;
  #differing: MessageDiffers[] = [];
  #troubled: AccountVerified[] = [];
  #well: AccountVerified[] = [];

  constructor(parts: VerificationParts) {
    this.#parts = parts;
  }

  report(event: MailferryEvent): void {
    switch (event.type) {
      case 'verification.started':
        this.#forget();
        break;
      case 'message.differs':
        keep(this.#differing, event, MOST_DIFFERENCES);
        break;
      case 'account.verified':
        keep(event.verdict === 'done' ? this.#well : this.#troubled, event, MOST_ROWS);
        break;
      case 'verification.finished':
        this.#print(event);
        this.#forget();
        break;
      default:
        break;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #forget(): void {
    this.#differing = [];
    this.#troubled = [];
    this.#well = [];
  }

  #print(end: VerificationFinished): void {
    const { output, paint, isQuiet } = this.#parts;
    if (isQuiet && end.verdict === 'done') {
      return;
    }
    const lines = [headline(end), '', ...this.#renderAccounts(end, paint), ...this.#renderFailures()];
    output.write(`${[...lines, ...this.#renderDifferences(end, paint)].join('\n')}\n`);
  }

  #renderAccounts(end: VerificationFinished, paint: Paint): string[] {
    const shown = [this.#troubled, this.#well]
      .flatMap((events) => events.toSorted((left, right) => (left.account < right.account ? -1 : 1)))
      .slice(0, MOST_ROWS);
    const rows: Row[] = shown.map((event) => toRow(event.account, event.counts, event.durationMs));
    const total = toRow(plural(end.accounts, 'account'), end.counts, undefined);
    const rest = end.accounts - shown.length;
    return [
      ...renderTable(COLUMNS, [...rows, 'rule', total], { paint }),
      ...(rest > 0 ? [`… and ${plural(rest, 'account')} more`] : []),
    ];
  }

  #renderFailures(): string[] {
    return this.#troubled.flatMap(({ account, failure, hint }) =>
      failure === undefined ? [] : ['', `${printable(account)}: ${describeFailure(failure, hint)}`],
    );
  }

  #renderDifferences({ counts }: VerificationFinished, paint: Paint): string[] {
    if (this.#differing.length === 0) {
      return [];
    }
    const { missing, changed, unreadable, extra } = counts;
    const untold = missing + changed + unreadable + extra - this.#differing.length;
    return [
      '',
      paint('bold', 'What differs:'),
      ...renderTable(DIFFERENCE_COLUMNS, this.#differing.map(toDifferenceRow), { paint }),
      ...(untold > 0 ? [`… and ${formatCount(untold)} more; --json tells of all`] : []),
      ...(missing + changed > 0
        ? ['', '-> "mailferry run --refetch missing" fetches again what the server still has']
        : []),
    ];
  }
}

function keep<T>(list: T[], item: T, most: number): void {
  if (list.length < most) {
    list.push(item);
  }
}

/** `nightly: all is kept: 12,345 receipts (1.2 GB) read from 2 accounts in 3 min 05 s`. */
function headline({ job, verdict, counts, accounts, durationMs }: VerificationFinished): string {
  const words = {
    done: counts.read < counts.receipts ? 'all that was read is kept' : 'all is kept',
    different: `something differs (${describeDifferences(counts)})`,
    failed: 'not wholly verified',
    waiting: 'not wholly verified',
    interrupted: 'interrupted',
    unexpected: 'ended by an unexpected error',
  } as const satisfies Record<typeof verdict, string>;
  const share = counts.read < counts.receipts ? ` of ${formatCount(counts.receipts)}` : '';
  const read = `${formatCount(counts.read)}${share} receipts (${formatOctets(counts.octets)}) read`;
  return `${printable(job)}: ${words[verdict]}: ${read} from ${plural(accounts, 'account')} in ${formatDuration(durationMs)}`;
}

const right = (title: string): Column => ({ title, align: 'right' });
const COLUMNS: readonly Column[] = [
  { title: 'account' },
  ...['receipts', 'read', 'intact', 'missing', 'changed', 'unreadable', 'extra', 'size', 'time'].map(right),
];

function toRow(name: string, counts: VerifiedCounts, durationMs: number | undefined): Row {
  const { receipts, read, intact, missing, changed, unreadable, extra, octets } = counts;
  const bad = (count: number): Cell => styled(formatCount(count), count > 0 ? 'red' : undefined);
  return [
    name,
    ...[receipts, read, intact].map(formatCount),
    ...[missing, changed, unreadable, extra].map(bad),
    formatOctets(octets),
    durationMs === undefined ? '' : formatDuration(durationMs),
  ];
}

function styled(text: string, style: Style | undefined): Cell {
  return style === undefined ? text : { text, style };
}

const DIFFERENCE_COLUMNS: readonly Column[] = ['account', 'what', 'where', 'unique-id', 'why'].map(
  (title) => ({
    title,
  }),
);

function toDifferenceRow({ account, difference, root, location, uidl, detail }: MessageDiffers): Row {
  return [account, difference, `${root}: ${location}`, uidl ?? '', detail];
}
