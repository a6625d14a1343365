/**
 * Finds which tests name which quirk and which duty: in the titles of `describe` and `it`, and in replayed transcripts. It
 * reads the sources and runs nothing, so that what only runs elsewhere (integration, crash) is found too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseSync } from '@swc/core';
import { numbersIn } from '../replay/numbers.ts';
import { parseTranscript } from '../replay/transcript.ts';

const TESTS = join(import.meta.dirname, '..');
const TRANSCRIPTS = join(TESTS, 'replay', 'transcripts');
const TEST_CALLS: readonly string[] = ['describe', 'it', 'test'];

/** By number (`Q41`, `RFC-44`): the files below `test/` that name it, sorted. */
export type Coverage = ReadonlyMap<string, readonly string[]>;

export function collectCoverage(): Coverage {
  const found = new Map<string, Set<string>>();
  const add = (number: string, file: string) => found.set(number, (found.get(number) ?? new Set()).add(file));
  for (const file of filesBelow(TESTS, '.ts')) {
    for (const title of titlesIn(readFileSync(file, 'utf8'))) {
      for (const number of numbersIn(title)) {
        add(number, relative(TESTS, file));
      }
    }
  }
  for (const file of filesBelow(TRANSCRIPTS, '.txt')) {
    const name = relative(TRANSCRIPTS, file);
    for (const number of parseTranscript(name, readFileSync(file, 'utf8')).covers) {
      add(number, `replay/${name}`);
    }
  }
  return new Map([...found].map(([number, files]) => [number, [...files].sort()]));
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
}

/** The titles of a test file, those of `skip` and `todo` left out; what a template fills in is not known. */
export function titlesIn(source: string): string[] {
  const titles: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      node.forEach(visit);
    } else if (isNode(node)) {
      titles.push(...titlesOfCall(node));
      Object.values(node).forEach(visit);
    }
  };
  visit(parseSync(source, { syntax: 'typescript', target: 'es2022' }).body);
  return titles;
}

type SyntaxNode = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null;
}

/** Its title; for a table, also the cells that are nothing but numbers: `['Q8', 'empty', …]` fills `%s: …`. */
function titlesOfCall(node: SyntaxNode): string[] {
  const words = node['type'] === 'CallExpression' ? calleeWords(node['callee']) : [];
  if (!TEST_CALLS.includes(words[0] ?? '') || words.includes('skip') || words.includes('todo')) {
    return [];
  }
  const [first] = Array.isArray(node['arguments']) ? node['arguments'] : [];
  const argument: unknown = isNode(first) ? first['expression'] : undefined;
  const title = textOf(argument);
  return title === undefined ? cellsIn(argument).filter(isNumbers) : [title];
}

function cellsIn(expression: unknown): string[] {
  if (!isNode(expression)) {
    return [];
  }
  const { elements } = expression;
  const inner = Array.isArray(elements)
    ? elements.flatMap((each) => cellsIn(isNode(each) && each['expression']))
    : [];
  return [textOf(expression) ?? [], inner].flat();
}

function isNumbers(text: string): boolean {
  return numbersIn(text).length > 0 && /^[Q\dRFC,\-–… ]+$/.test(text);
}

/** `it.skipIf(why)` → it, skipIf; `it` → it. */
function calleeWords(callee: unknown): string[] {
  if (!isNode(callee)) {
    return [];
  }
  switch (callee['type']) {
    case 'Identifier':
      return [String(callee['value'])];
    case 'MemberExpression':
      return [...calleeWords(callee['object']), ...calleeWords(callee['property'])];
    case 'CallExpression':
      return calleeWords(callee['callee']);
    default:
      return [];
  }
}

function textOf(expression: unknown): string | undefined {
  if (!isNode(expression)) {
    return undefined;
  }
  if (expression['type'] === 'StringLiteral') {
    return String(expression['value']);
  }
  if (expression['type'] === 'TemplateLiteral' && Array.isArray(expression['quasis'])) {
    return expression['quasis'].map((quasi: unknown) => (isNode(quasi) ? quasi['raw'] : '')).join('…');
  }
  return undefined;
}
