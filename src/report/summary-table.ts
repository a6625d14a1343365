/**
 * The table of a closing report: a row for each account, a total, columns in the order of the arithmetic. Pure.
 */
import type { Paint, Style } from './colour.ts';
import { type AccountFinished, type Counts, type Outcome, weighAccount } from './counts.ts';
import { formatCount, formatDuration, formatOctets, plural } from './format.ts';
import { type Cell, type Column, type Row, renderTable } from './table.ts';

export interface SummaryTable {
  readonly accounts: readonly AccountFinished[];
  readonly total: Counts;
  readonly accountCount: number;
  readonly paint: Paint;
  /** Cells of the screen; undefined where there is none. */
  readonly width: number | undefined;
}

/** Below this many cells the columns that say least are left out. */
const ROOMY_WIDTH = 100;

interface SummaryColumn extends Column {
  readonly cell: (event: AccountFinished) => Cell;
  readonly total: (table: SummaryTable) => Cell;
  /** Whether a narrow screen can do without it. */
  readonly canGo?: (total: Counts) => boolean;
}

function countColumn(
  title: string,
  key: Exclude<keyof Counts, 'octets' | 'unreached'>,
  { style, canGo }: { readonly style?: Style; readonly canGo?: (total: Counts) => boolean } = {},
): SummaryColumn {
  const cell = (count: number): Cell => {
    const text = formatCount(count);
    return style !== undefined && count > 0 ? { text, style } : text;
  };
  return {
    title,
    align: 'right',
    cell: ({ counts }) => cell(counts[key]),
    total: ({ total }) => cell(total[key]),
    ...(canGo === undefined ? {} : { canGo }),
  };
}

const COLUMNS: readonly SummaryColumn[] = [
  {
    title: 'account',
    isFlexible: true,
    cell: ({ account }) => account,
    total: ({ accountCount }) => plural(accountCount, 'account'),
  },
  countColumn('listed', 'listed'),
  countColumn('new', 'archivedNow', { style: 'green' }),
  countColumn('before', 'archivedBefore'),
  countColumn('skipped', 'skipped', { canGo: ({ skipped }) => skipped === 0 }),
  countColumn('quarantined', 'quarantined', {
    style: 'yellow',
    canGo: ({ quarantined }) => quarantined === 0,
  }),
  countColumn('failed', 'failed', { style: 'red' }),
  {
    title: 'size',
    align: 'right',
    cell: ({ counts }) => formatOctets(counts.octets),
    total: ({ total }) => formatOctets(total.octets),
  },
  {
    title: 'time',
    align: 'right',
    cell: ({ durationMs }) => formatDuration(durationMs),
    total: () => '',
    canGo: () => true,
  },
  { title: 'outcome', cell: outcomeCell, total: () => '' },
];

/** Lines without line ends: titles, accounts, a rule, the total. */
export function renderSummaryTable(table: SummaryTable): string[] {
  const { accounts, total, width, paint } = table;
  const isNarrow = width !== undefined && width < ROOMY_WIDTH;
  const columns = COLUMNS.filter(({ canGo }) => !(isNarrow && canGo?.(total) === true));
  const rows: Row[] = accounts.map((event) => columns.map(({ cell }) => cell(event)));
  const totals = columns.map((column) => column.total(table));
  return renderTable(columns, [...rows, 'rule', totals], { width, paint });
}

function outcomeCell(event: AccountFinished): Cell {
  if (event.outcome === 'done' && weighAccount(event) === 'nothing') {
    return { text: 'nothing new', style: 'dim' };
  }
  const cells: Readonly<Record<Outcome, Cell>> = {
    done: { text: 'done', style: 'green' },
    failed: { text: 'failed', style: 'red' },
    waiting: { text: 'next run', style: 'yellow' },
    interrupted: { text: 'interrupted', style: 'yellow' },
    unexpected: { text: 'unexpected error', style: 'red' },
  };
  return cells[event.outcome];
}
