/**
 * The section "Real servers" of docs/servers.md, made of what the suite of servers.test.ts has shown. The rest of that file is made
 * elsewhere (test/catalogue), between lines of its own.
 */
import type { ServerRow } from './real-servers.ts';

const BEGIN = '<!-- begin real servers: generated, see test/integration/servers.test.ts -->\n';
const END = '<!-- end real servers -->\n';

/** The columns of the table, in order. */
const TRIALS = {
  archive: 'archive, run again',
  killed: 'SIGKILL, resume',
  stopped: 'SIGTERM, resume',
  duplicates: 'duplicates',
  large: '10 MB',
  top: 'TOP',
  pipelining: 'pipelining',
  starttls: 'STLS',
  tls: 'TLS',
  delete: 'delete, verify',
} as const;

export type Trial = keyof typeof TRIALS;

type Described = Pick<ServerRow, 'name' | 'lines' | 'hasPipelining' | 'remarks'>;

/** What passed, and how often, for the table. A trial may be several tests; one that fails never passes. */
export class TrialResults {
  readonly #passed = new Set<string>();
  readonly #failed = new Set<string>();
  readonly #versions = new Map<string, string>();

  version(row: Described, version: string): void {
    this.#versions.set(row.name, version);
  }

  /** Runs a part of a trial. */
  async part(row: Described, trial: Trial, body: () => Promise<void>): Promise<void> {
    const key = `${row.name} ${trial}`;
    try {
      await body();
      this.#passed.add(key);
    } catch (thrown) {
      this.#failed.add(key);
      throw thrown;
    }
  }

  cell(row: Described, trial: Trial): string {
    if (!isOffered(row, trial)) return '–';
    const key = `${row.name} ${trial}`;
    return this.#passed.has(key) && !this.#failed.has(key) ? 'passed' : 'failed';
  }

  versionOf(row: Described): string {
    return this.#versions.get(row.name) ?? '?';
  }
}

function isOffered({ lines, hasPipelining }: Described, trial: Trial): boolean {
  if (trial === 'pipelining') return hasPipelining;
  return trial === 'starttls' || trial === 'tls' ? lines.includes(trial) : true;
}

/**
 * The text of docs/servers.md with this section made anew. Versions that stand in it stay: they say with what the table was made,
 * and later packages are no reason for a check to fail. A row that is removed gets those of this run.
 */
export function withServersSection(text: string, rows: readonly Described[], results: TrialResults): string {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END, from);
  if (from === -1 || to === -1) {
    throw new Error(`docs/servers.md has no lines ${BEGIN.trim()} and ${END.trim()}`);
  }
  const written = versionsIn(text.slice(from, to));
  const known = (row: Described): string => written.get(row.name) ?? results.versionOf(row);
  return text.slice(0, from) + BEGIN + tableOf(rows, results, known) + text.slice(to);
}

function versionsIn(section: string): ReadonlyMap<string, string> {
  const pairs = [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \|/gm)];
  return new Map(pairs.map(([, name = '', version = '']) => [name, version]));
}

function tableOf(
  rows: readonly Described[],
  results: TrialResults,
  versionOf: (row: Described) => string,
): string {
  const trials = Object.keys(TRIALS).filter((key): key is Trial => Object.hasOwn(TRIALS, key));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const head = ['server', 'Debian version', ...trials.map((trial) => TRIALS[trial]), 'remarks'];
  const body = rows.map((row) => {
    const cells = trials.map((trial) => results.cell(row, trial));
    return line([row.name, versionOf(row), ...cells, row.remarks]);
  });
  return `\n${line(head)}${line(head.map(() => '---'))}${body.join('')}\n`;
}
