/**
 * What is wrong with a job definition, as data, and the one error that tells all of it. Must not know any rule.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { JobProblem } from './job.ts';

/** Where in the document: keys, and 0-based positions in lists. */
export type Path = readonly (string | number)[];

/** A place that a problem can be pinned to. */
export type Place = Omit<JobProblem, 'text'>;

/** More would scroll the first ones away; `problems` has them all. */
const MAX_LISTED = 100;

/** A job definition that cannot be run. Its message lists what is wrong; `problems` holds all of it. */
export class JobError extends MailferryError {
  readonly problems: readonly JobProblem[];

  constructor(file: string, problems: readonly JobProblem[]) {
    super(listOf(file, problems), {
      code: 'job-invalid',
      scope: 'run',
      retry: 'never',
      hint: 'Correct the lines named above; schema/job.schema.json describes every key.',
    });
    this.problems = problems;
  }
}

/** `accounts[1].port`; empty for the whole document. */
export function pathText(path: Path): string {
  return path
    .map((step, depth) => (typeof step === 'number' ? `[${step}]` : depth === 0 ? step : `.${step}`))
    .join('');
}

/** `jobs/x.yaml:12: accounts[1].port: expected …`, one line, for a message or a log. */
export function problemText(problem: JobProblem): string {
  const where = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`;
  return problem.path === '' ? `${where}: ${problem.text}` : `${where}: ${problem.path}: ${problem.text}`;
}

/** In the order in which somebody would mend them: the job file first, then other files, each from top to bottom. */
export function inReadingOrder(problems: readonly JobProblem[], jobFile: string): JobProblem[] {
  const rank = (problem: JobProblem): string => (problem.file === jobFile ? '' : problem.file);
  return [...problems].sort(
    (a, b) => compare(rank(a), rank(b)) || compare(a.line ?? 0, b.line ?? 0) || compare(a.path, b.path),
  );
}

/**
 * What came, for the end of a problem's text: short, on one line, safe on a terminal. Never call it on a secret.
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') {
    return quoted(withoutUrlPassword(value));
  }
  return typeof value === 'number' || typeof value === 'boolean'
    ? `${value} (${describeKind(value)})`
    : describeKind(value);
}

/** What may be shown of a text that could be a URL with a password in it: all but that. */
export function withoutUrlPassword(text: string): string {
  return text.replace(/^((?:[a-z][a-z0-9+.-]*:\/\/)?[^:@]*):(?!\/\/).*@/is, '$1:…@');
}

/** The kind of what came, without a trace of its values. */
export function describeKind(value: unknown): string {
  if (value === undefined || value === null) {
    return 'nothing';
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty list' : 'a list';
  }
  const kinds: Readonly<Record<string, string>> = {
    string: 'a text',
    number: 'a number',
    boolean: 'true or false',
    object: 'a map',
  };
  return kinds[typeof value] ?? typeof value;
}

/** A text in double quotes, cut to 60 characters, with everything that could disturb a terminal escaped. */
export function quoted(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function listOf(file: string, problems: readonly JobProblem[]): string {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const lines = problems.slice(0, MAX_LISTED).map((problem) => `  ${problemText(problem)}`);
  if (problems.length > MAX_LISTED) {
    lines.push(`  … and ${problems.length - MAX_LISTED} more`);
  }
  return [`${file} cannot be run, it has ${count}:`, ...lines].join('\n');
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
