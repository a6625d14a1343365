/**
 * Accounts from a CSV file (RFC 4180): one account a row, the first row names the columns. The only file that knows the
 * package `csv-parse`. Must not know what a job does with an account.
 *
 * - Columns are account keys; nested ones are flat: `password_env`, `password_file`, `tls_ca`, `tls_fingerprint`,
 *   `tls_serverName` (csv-columns.ts is the list). An empty cell is a key that is not given, so that `defaults` apply.
 * - The delimiter is a comma, or a semicolon or tab where the first row has no comma. Quotes, line ends and delimiters may
 *   stand inside `"…"`. A byte order mark and blank lines are ignored; spaces are not: they belong to their cell.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { CSV_COLUMNS } from './csv-columns.ts';
import { pathText, quoted } from './problems.ts';
import { didYouMean } from './suggest.ts';

const MAX_ROW_OCTETS = 64 * 1024;
const MAX_ROWS = 100_000;

export interface CsvAccount {
  /** 1-based line on which the row begins. */
  readonly line: number;
  /** In the shape of an inline account, for the schema to check. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface CsvFault {
  readonly line: number;
  /** The column, or empty for the whole row. */
  readonly column: string;
  readonly text: string;
}

export interface CsvAccounts {
  readonly accounts: readonly CsvAccount[];
  readonly faults: readonly CsvFault[];
}

/** The column that holds an account key, for problems: `['password', 'env']` is `password_env`. */
export function columnOf(path: readonly (string | number)[]): string {
  for (const [column, key] of CSV_COLUMNS) {
    if (key.length === path.length && key.every((step, depth) => step === path[depth])) {
      return column;
    }
  }
  return pathText(path);
}

/** Reads the text of an accounts file. Never throws for what is in it: all that is wrong with its form is in `faults`. */
export function parseAccountsCsv(text: string): CsvAccounts {
  const rows = parseRows(text);
  if (!Array.isArray(rows)) {
    return { accounts: [], faults: [rows] };
  }
  const [header, ...body] = rows;
  if (header === undefined) {
    return {
      accounts: [],
      faults: [{ line: 1, column: '', text: `the file is empty; ${expectedHeader()}` }],
    };
  }
  const faults = headerFaults(header);
  if (faults.length > 0) {
    return { accounts: [], faults };
  }
  if (body.length === 0) {
    faults.push({ line: header.line, column: '', text: 'no account follows the header; expected one a row' });
  }
  const accounts: CsvAccount[] = [];
  for (const row of body) {
    const fault = rowFault(header.cells, row);
    if (fault === undefined) {
      accounts.push({ line: row.line, data: accountOf(header.cells, row.cells) });
    } else {
      faults.push(fault);
    }
  }
  return { accounts, faults };
}

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

function parseRows(text: string): Row[] | CsvFault {
  try {
    const rows: Row[] = [];
    let countedTwice = 0;
    parse(text, {
      bom: true,
      delimiter: delimiterOf(text),
      max_record_size: MAX_ROW_OCTETS,
      on_record: (cells: string[], { lines }) => {
        const inside = quotedLineEnds(cells);
        rows.push({ line: lines - countedTwice - inside.characters, cells });
        countedTwice += inside.pairs;
      },
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      to: MAX_ROWS + 2,
    });
    return rows.length > MAX_ROWS + 1
      ? { line: 1, column: '', text: `more than ${MAX_ROWS} accounts, which is the limit` }
      : rows;
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) {
      throw thrown;
    }
    return syntaxFault(thrown);
  }
}

/**
 * The package counts lines up to the end of a row, and a CRLF inside quotes as two of them; these counts lead back to where
 * the row begins.
 */
function quotedLineEnds(cells: readonly string[]): { readonly characters: number; readonly pairs: number } {
  const broken = cells.filter((cell) => /[\r\n]/.test(cell)).join(' ');
  return {
    characters: broken.match(/[\r\n]/g)?.length ?? 0,
    pairs: broken.match(/\r\n/g)?.length ?? 0,
  };
}

/** Names of columns hold no delimiter, so that the first row tells which one it is. */
function delimiterOf(text: string): string {
  const [header = ''] = /[^\r\n]+/.exec(text) ?? [];
  return [',', ';', '\t'].find((delimiter) => header.includes(delimiter)) ?? ',';
}

/** In our own words: the package's quote the cell, which may be a password. */
function syntaxFault(error: CsvError): CsvFault {
  const texts: Readonly<Record<string, string>> = {
    CSV_QUOTE_NOT_CLOSED: 'a quote that is opened here is never closed',
    CSV_INVALID_CLOSING_QUOTE:
      'something follows a closing quote; a quote inside quotes is written twice ("")',
    INVALID_OPENING_QUOTE:
      'a quote in the middle of a cell; put the whole cell in quotes and write the quote twice ("")',
    CSV_MAX_RECORD_SIZE: `a row of more than ${MAX_ROW_OCTETS} octets, which is the limit; is a quote not closed?`,
  };
  const line = typeof error['lines'] === 'number' ? error['lines'] : 1;
  return { line, column: '', text: texts[error.code] ?? `not CSV as RFC 4180 describes it (${error.code})` };
}

function headerFaults({ line, cells }: Row): CsvFault[] {
  const known = [...CSV_COLUMNS.keys()];
  return cells.flatMap((column, index) => {
    if (!CSV_COLUMNS.has(column)) {
      const near = didYouMean(column.trim(), known);
      return [
        {
          line,
          column: '',
          text: `unknown column ${quoted(column)}${near === '' ? `; ${expectedHeader()}` : near}`,
        },
      ];
    }
    return cells.indexOf(column) === index ? [] : [{ line, column, text: 'this column is there twice' }];
  });
}

function expectedHeader(): string {
  return `expected a first row with some of ${[...CSV_COLUMNS.keys()].join(', ')}`;
}

function rowFault(columns: readonly string[], { line, cells }: Row): CsvFault | undefined {
  if (cells.length !== columns.length) {
    return { line, column: '', text: lengthText(columns.length, cells.length) };
  }
  const given = columns.filter((column, index) => column.startsWith('password') && cells[index] !== '');
  return given.length > 1
    ? { line, column: 'password', text: `expected one password; came ${given.join(' and ')}` }
    : undefined;
}

function lengthText(expected: number, came: number): string {
  const hint =
    came > expected
      ? '; a cell that holds a delimiter needs quotes'
      : '; leave a cell empty, but keep its delimiter';
  return `expected ${expected} cells, as in the first row; came ${came}${hint}`;
}

function accountOf(columns: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const account: Record<string, unknown> = {};
  const nested: Record<string, Record<string, string>> = {};
  columns.forEach((column, index) => {
    const cell = cells[index] ?? '';
    const [key, inner] = CSV_COLUMNS.get(column) ?? [column];
    if (cell === '') {
      return;
    }
    if (inner === undefined) {
      account[key] = key === 'port' && /^[0-9]{1,9}$/.test(cell) ? Number(cell) : cell;
    } else {
      nested[key] = { ...nested[key], [inner]: cell };
    }
  });
  return { ...account, ...nested };
}
