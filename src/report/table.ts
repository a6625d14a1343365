/**
 * Tables of text for a terminal or a pipe. Cells are foreign text: they are made printable here, so that a caller cannot
 * forget it; styles are therefore given beside the text, never inside.
 */
import type { Paint, Style } from './colour.ts';
import { type Align, displayWidth, fitTo, printable } from './format.ts';

export interface Column {
  readonly title: string;
  /** Default: left. Numbers read better from the right. */
  readonly align?: Align;
  /** Gives way where the table is wider than the screen; never below `LEAST_WIDTH` cells. */
  readonly isFlexible?: boolean;
}

export type Cell = string | { readonly text: string; readonly style: Style };

/** A row has a cell per column, missing ones are empty; `rule` draws a line across (before a total). */
export type Row = readonly Cell[] | 'rule';

export interface TableOptions {
  /** Cells of the screen; without it the table is as wide as it must be (pipes: nothing is cut). */
  readonly width?: number | undefined;
  readonly paint?: Paint | undefined;
}

const GAP = '  ';
const LEAST_WIDTH = 8;

/** Lines of a table without line ends, the title row first. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly Row[],
  { width, paint = (_, text) => text }: TableOptions = {},
): string[] {
  const grid = rows.map((row) => (row === 'rule' ? row : row.map(printableCell)));
  const widths = shrink(columns, naturalWidths(columns, grid), width);
  const line = (cells: readonly Cell[]): string =>
    columns
      .map((column, index) =>
        renderCell(cells[index] ?? '', {
          width: widths[index] ?? 0,
          align: column.align,
          isLast: index === columns.length - 1,
          paint,
        }),
      )
      .join(GAP)
      .trimEnd();
  const rule = '-'.repeat(totalWidth(widths));
  const titles = line(columns.map(({ title }) => ({ text: title, style: 'bold' as const })));
  return [titles, ...grid.map((row) => (row === 'rule' ? paint('dim', rule) : line(row)))];
}

function printableCell(cell: Cell): Cell {
  return typeof cell === 'string' ? printable(cell) : { ...cell, text: printable(cell.text) };
}

function textOfCell(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function renderCell(
  cell: Cell,
  { width, align, isLast, paint }: { width: number; align: Align | undefined; isLast: boolean; paint: Paint },
): string {
  const fitted = fitTo(textOfCell(cell), width, align);
  // The last column needs no filling; behind a colour it could not be trimmed any more.
  const text = isLast ? fitted.trimEnd() : fitted;
  return typeof cell === 'string' ? text : paint(cell.style, text);
}

function naturalWidths(columns: readonly Column[], grid: readonly Row[]): number[] {
  const widths = columns.map(({ title }) => displayWidth(title));
  for (const row of grid) {
    if (row !== 'rule') {
      row.forEach((cell, index) => {
        widths[index] = Math.max(widths[index] ?? 0, displayWidth(textOfCell(cell)));
      });
    }
  }
  return widths;
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1);
}

/** Takes from the widest flexible column, cell by cell, until the table fits or none can give. */
function shrink(columns: readonly Column[], natural: readonly number[], limit: number | undefined): number[] {
  const widths = [...natural];
  let excess = limit === undefined ? 0 : totalWidth(widths) - limit;
  while (excess > 0) {
    let widest = -1;
    columns.forEach((column, index) => {
      const width = widths[index] ?? 0;
      if (column.isFlexible === true && width > LEAST_WIDTH && width > (widths[widest] ?? 0)) {
        widest = index;
      }
    });
    if (widest < 0) {
      break;
    }
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}
