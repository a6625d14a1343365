/**
 * The rows of the progress display as text: what is shown of each account and of the total, and what gives way on a narrow
 * screen. Pure. It must not know of cursors or streams.
 */
import {
  displayWidth,
  fitTo,
  formatCount,
  formatOctets,
  formatTimeLeft,
  printable,
  truncate,
} from './format.ts';
import type { AccountProgress, Progress, ProgressBoard, TotalProgress } from './progress-board.ts';

/** Accounts with a bar of their own; more could not be followed by eye. */
const MOST_ACCOUNT_ROWS = 8;
/** Lines that stay free for the total, the rest and the log above. */
const RESERVED_LINES = 4;
const GAP = '  ';
const LONGEST_NAME = 32;
const SHORTEST_NAME = 12;
const BAR_LEAST = 6;
const BAR_MOST = 24;

/** What is left out first where the screen is narrow; the count and the name stay. */
const GIVES_WAY = ['octets', 'messageRate', 'bar', 'octetRate', 'timeLeft'] as const;

type Part = (typeof GIVES_WAY)[number];
type TextPart = Exclude<Part, 'bar'> | 'count';

interface BarRow {
  readonly name: string;
  readonly fraction: number;
  readonly cells: Readonly<Record<TextPart, string>>;
}

/** From left to right; each with the width below which it does not shrink, so that the columns do not jump about. */
const TEXT_COLUMNS: readonly (readonly [TextPart, number])[] = [
  ['count', 9],
  ['messageRate', 6],
  ['octets', 8],
  ['octetRate', 9],
  ['timeLeft', 9],
];

/** The whole display for a screen of `columns` by `lines`: accounts, the rest in one line, the total. Bounded. */
export function renderBarRows(board: ProgressBoard, columns: number, lines: number): string[] {
  const room = Math.min(MOST_ACCOUNT_ROWS, Math.max(0, lines - RESERVED_LINES));
  const accounts = board.accounts(room);
  // The last cell stays free: some terminals wrap as soon as it is written.
  const width = Math.max(1, columns - 1);
  const rows = layOut([...accounts.map(accountRow), totalRow(board.total())], width);
  const hidden = board.activeCount - accounts.length;
  if (hidden > 0 && room > 0) {
    const waiting = board.waitingCount - accounts.filter(({ waitsForMs }) => waitsForMs !== undefined).length;
    const waits = waiting > 0 ? `, ${formatCount(waiting)} of them waiting` : '';
    rows.splice(-1, 0, truncate(`… and ${formatCount(hidden)} more at work${waits}`, width));
  }
  return rows;
}

function accountRow(progress: AccountProgress): BarRow {
  const cells = cellsOf(progress);
  const { waitsForMs } = progress;
  const count = waitsForMs === undefined ? cells.count : `waits ${formatTimeLeft(waitsForMs)}`;
  return { name: printable(progress.account), fraction: progress.fraction, cells: { ...cells, count } };
}

function totalRow(total: TotalProgress): BarRow {
  return {
    name: `${formatCount(total.finishedAccounts)}/${formatCount(total.accounts)} accounts`,
    fraction: total.fraction,
    cells: cellsOf(total),
  };
}

function cellsOf({ wanted, doneMessages, doneOctets, rates, timeLeftMs }: Progress): BarRow['cells'] {
  if (wanted === undefined) {
    return { count: 'connecting', octets: '', messageRate: '', octetRate: '', timeLeft: '' };
  }
  return {
    count: `${formatCount(doneMessages)}/${formatCount(wanted.messages)} msg`,
    octets: formatOctets(doneOctets),
    messageRate: rates === undefined ? '' : `${shortRate(rates.messagesPerSecond)}/s`,
    octetRate: rates === undefined ? '' : `${formatOctets(rates.octetsPerSecond)}/s`,
    timeLeft: timeLeftMs === undefined ? '' : `${formatTimeLeft(timeLeftMs)} left`,
  };
}

function shortRate(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond));
}

/** Gives all rows the same columns; leaves parts out until they fit, then lets name and bar take what is left. */
function layOut(rows: readonly BarRow[], width: number): string[] {
  const total = rows.at(-1);
  const longestName = Math.min(LONGEST_NAME, Math.max(...rows.map(({ name }) => displayWidth(name))));
  const leastName = Math.min(longestName, Math.max(SHORTEST_NAME, displayWidth(total?.name ?? '')));
  const widths = TEXT_COLUMNS.map(
    ([part, least]) =>
      [part, Math.max(least, ...rows.map(({ cells }) => displayWidth(cells[part])))] as const,
  );
  const left = new Set<Part | TextPart>(['count', ...GIVES_WAY]);
  const spare = (): number =>
    width -
    leastName -
    (left.has('bar') ? BAR_LEAST + 2 + GAP.length : 0) -
    widths.reduce((sum, [part, cells]) => sum + (left.has(part) ? cells + GAP.length : 0), 0);
  for (const part of GIVES_WAY) {
    if (spare() >= 0) {
      break;
    }
    left.delete(part);
  }
  const nameWidth = Math.min(longestName, leastName + Math.max(0, spare()));
  const barWidth = Math.min(BAR_MOST, BAR_LEAST + Math.max(0, spare() - (nameWidth - leastName)));
  return rows.map((row) => {
    const bar = left.has('bar') ? [barText(row.fraction, barWidth)] : [];
    const texts = widths
      .filter(([part]) => left.has(part))
      .map(([part, cells]) => fitTo(row.cells[part], cells, 'right'));
    return truncate([fitTo(row.name, nameWidth), ...bar, ...texts].join(GAP).trimEnd(), width);
  });
}

/** `[======----]`; full only when all is done. */
function barText(fraction: number, width: number): string {
  const full = Math.floor(fraction * width);
  return `[${'='.repeat(full)}${'-'.repeat(width - full)}]`;
}
