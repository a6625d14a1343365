/** The matrix of docs/logins.md, made of what the suite of login-matrix.test.ts has shown, and its figures. */
import { AUTH_CHOICES } from '../../../../src/pop3/sasl/names.ts';
import type { LoginRow, LoginTrial } from './row.ts';

const BEGIN = '<!-- begin login matrix: generated, see test/integration/login-matrix.test.ts -->\n';
const END = '<!-- end login matrix -->\n';

type Described = Pick<LoginRow, 'name' | 'ways' | 'auto' | 'refuses' | 'trials'>;

/** What passed. A trial that was not run has not passed. */
export class LoginResults {
  readonly #passed = new Set<string>();

  async part(row: Described, way: string, trial: LoginTrial, body: () => Promise<void>): Promise<void> {
    await body();
    this.#passed.add(`${row.name} ${way} ${trial}`);
  }

  cell(row: Described, way: string): string {
    if (way !== 'auto' && !row.ways.includes(way)) return '–';
    const passed = row.trials.map((trial) =>
      this.#passed.has(`${row.name} ${way} ${trial}`) ? trial : `${trial} FAILED`,
    );
    if (row.refuses?.includes(way) === true) {
      return passed.some((text) => text.includes('FAILED')) ? 'FAILED' : 'announced, refused';
    }
    return `${way === 'auto' ? `\`${row.auto.join('`, then `')}\`: ` : ''}${passed.join(', ')}`;
  }

  /** A line for each way of each server. */
  figures(rows: readonly Described[]): string[] {
    return rows.flatMap((row) =>
      [...row.ways, 'auto'].map((way) => `logins: ${row.name}: ${way}: ${this.cell(row, way)}`),
    );
  }
}

/** The text of docs/logins.md with the matrix made anew. */
export function withLoginMatrix(text: string, rows: readonly Described[], results: LoginResults): string {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END, from);
  if (from === -1 || to === -1) {
    throw new Error(`docs/logins.md has no lines ${BEGIN.trim()} and ${END.trim()}`);
  }
  const known = AUTH_CHOICES.map((choice) => choice.toLowerCase()).filter((way) => way !== 'auto');
  const ways = [...known.filter((way) => rows.some((row) => row.ways.includes(way))), 'auto'];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const head = ['auth', ...rows.map(({ name }) => name)];
  const body = ways.map((way) => line([way, ...rows.map((row) => results.cell(row, way))]));
  const table = `\n${line(head)}${line(head.map(() => '---'))}${body.join('')}\n`;
  return text.slice(0, from) + BEGIN + table + text.slice(to);
}
