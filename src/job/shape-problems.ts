/**
 * Makes sentences of what the schema finds wrong: what was expected, what came, what may have been meant. Must not know the
 * keys themselves, nor show what may be a secret.
 */
import type { JobProblem } from './job.ts';
import { isMechanismNotYet } from './not-yet.ts';
import { describeKind, describeValue, type Path, type Place, quoted } from './problems.ts';
import { KNOWN_KEYS } from './schema.ts';
import type { ShapeIssue } from './shape-issues.ts';
import { didYouMean } from './suggest.ts';

/**
 * @param data what was checked; @param base the path of it in the document; @param placeOf where a path of the document is
 * written (its file, line, and name there).
 */
export function shapeProblems(
  issues: readonly ShapeIssue[],
  data: unknown,
  base: Path,
  placeOf: (path: Path) => Place,
): JobProblem[] {
  return issues.map((issue) => {
    const path = [...base, ...issue.path];
    return issue.kind === 'unknown-key'
      ? { ...placeOf(isSecret(path) ? path : [...path, issue.key]), text: unknownKeyText(path, issue.key) }
      : { ...placeOf(path), text: wrongValueText(issue.expected, valueAt(data, issue.path), path) };
  });
}

/** `['accounts', 3, 'tls']` as `accounts[].tls`: the place without the positions. */
export function patternOf(path: Path): string {
  return path
    .map((step, depth) => (typeof step === 'number' ? '[]' : depth === 0 ? step : `.${step}`))
    .join('');
}

function unknownKeyText(path: Path, key: string): string {
  const pattern = patternOf(path);
  const known = KNOWN_KEYS.get(pattern) ?? [];
  const near = didYouMean(key, known);
  // In `password: {hunter2}` the key is the password.
  const named = near === '' && isSecret(path) ? 'unknown key' : `unknown key ${quoted(key)}`;
  return `${named}${near === '' ? `; expected one of ${known.join(', ')}` : near}`;
}

function isSecret(path: Path): boolean {
  return path.includes('password');
}

function wrongValueText(expected: string, value: unknown, path: Path): string {
  if (path.at(-1) === 'auth' && isMechanismNotYet(value)) {
    return `this version does not have the mechanism ${quoted(String(value))} yet; expected ${expected}`;
  }
  const came = isSecret(path) ? describeKind(value) : describeValue(value);
  return `expected ${expected}; came ${came}${quotesHint(expected, value)}`;
}

/** YAML makes a number of 007 and a boolean of true where somebody meant a text. */
function quotesHint(expected: string, value: unknown): string {
  const isScalar = typeof value === 'number' || typeof value === 'boolean';
  return isScalar && /^an? (text|name|path)\b/.test(expected) ? '; put it in quotes' : '';
}

function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) {
      return undefined;
    }
    // Own keys only: whatever is named like something of Object.prototype has not come from the document.
    value = Object.getOwnPropertyDescriptor(value, step)?.value;
  }
  return value;
}
