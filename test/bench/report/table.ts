/** Markdown tables and the numbers in them. Pure. */
import { median } from './statistics.ts';

export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const align = header.map((_, column) => (column === 0 ? '---' : '---:'));
  return [header, align, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Median, with least and most in brackets where there are several. */
export function withRange(values: readonly number[], digits: number): string {
  if (values.length === 0) return '–';
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const middle = decimal(median(values), digits);
  return values.length === 1 ? middle : `${middle} (${decimal(least, digits)} to ${decimal(most, digits)})`;
}

/** With a comma between thousands. */
export function decimal(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '–';
  const [whole = '', fraction] = value.toFixed(digits).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
