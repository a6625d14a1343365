/**
 * Turns YAML or JSON (which YAML 1.2 contains) into plain data, and keeps the way from any path back to its line. The only
 * file that knows the package `yaml`. Must not know what a job is.
 *
 * Its texts are our own, one per kind of fault: the parser's quote the source, and the source may be a password.
 */
import {
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import type { Path } from './problems.ts';

/** A document that an alias bomb or a generator went wrong over would otherwise fill the memory. */
const MAX_NODES = 2_000_000;
const MAX_DEPTH = 64;
const MAX_FAULTS = 20;

export interface DocumentFault {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

export interface ReadDocument {
  /** Maps as plain objects, lists as arrays, and scalars; undefined where there are faults. */
  readonly data: unknown;
  /** The 1-based line of a path, or of the deepest part of it that exists; 1 for an empty document. */
  lineOf(path: Path): number;
  /** Whether the path is written in the document, be it without a value. */
  has(path: Path): boolean;
  readonly faults: readonly DocumentFault[];
}

/** Reads a text. Never throws for what is in it: everything that is wrong with the syntax is in `faults`, with its line. */
export function readDocument(text: string): ReadDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    // Stated, so that a %YAML directive in the text cannot bring back what YAML 1.1 took `no` and `010` for.
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  });
  const targets = aliasTargets(document.contents);
  const places = new Places(document.contents, targets, lines);
  const faults = [...document.errors, ...document.warnings].map((error) => ({
    line: lines.linePos(error.pos[0]).line,
    text: FAULT_TEXTS[error.code],
  }));
  const converter = new Converter(targets, places);
  const data = faults.length === 0 ? converter.convert(document.contents) : undefined;
  return {
    data,
    lineOf: (path) => places.lineOf(path),
    has: (path) => places.has(path),
    faults: onePerLine([...faults, ...converter.faults]),
  };
}

/** The first fault of a line is the true one; the parser's next ones mostly follow from it. */
function onePerLine(faults: readonly DocumentFault[]): DocumentFault[] {
  const sorted = [...faults].sort((a, b) => a.line - b.line);
  return sorted.filter((fault, index) => fault.line !== sorted[index - 1]?.line).slice(0, MAX_FAULTS);
}

type Targets = ReadonlyMap<Node, Node>;

/** What each alias stands for: the last node before it with its anchor. One pass, where the package makes one per alias. */
function aliasTargets(root: Node | null): Targets {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node>();
  visit(root, {
    Node: (_key, node) => {
      const target = isAlias(node) ? anchors.get(node.source) : undefined;
      if (target !== undefined) {
        targets.set(node, target);
      }
      if (!isAlias(node) && node.anchor !== undefined) {
        anchors.set(node.anchor, node);
      }
    },
  });
  return targets;
}

/** Finds nodes and lines by path; looks through aliases. */
class Places {
  readonly #root: Node | null;
  readonly #targets: Targets;
  readonly #lines: LineCounter;

  constructor(root: Node | null, targets: Targets, lines: LineCounter) {
    this.#root = root;
    this.#targets = targets;
    this.#lines = lines;
  }

  lineOf(path: Path): number {
    return this.lineAt(this.#walk(path).offset);
  }

  has(path: Path): boolean {
    return this.#walk(path).isComplete;
  }

  lineAt(offset: number): number {
    return this.#lines.linePos(offset).line || 1;
  }

  #walk(path: Path): { readonly offset: number; readonly isComplete: boolean } {
    let node: unknown = this.#root;
    let offset = offsetOf(node) ?? 0;
    for (const step of path) {
      const child = childOf(isAlias(node) ? this.#targets.get(node) : node, step);
      if (child === undefined) {
        return { offset, isComplete: false };
      }
      offset = child.offset ?? offset;
      node = child.node;
    }
    return { offset, isComplete: true };
  }
}

interface Child {
  /** Where the key begins, or the item of a list. */
  readonly offset: number | undefined;
  readonly node: unknown;
}

function childOf(node: unknown, step: string | number): Child | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step];
    return item === undefined ? undefined : { offset: offsetOf(item), node: item };
  }
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    return pair === undefined ? undefined : { offset: offsetOf(pair.key), node: pair.value };
  }
  return undefined;
}

function offsetOf(node: unknown): number | undefined {
  // Nodes that the parser made always have a range; its types leave that open.
  return (node as Node | null)?.range?.[0];
}

/** Makes plain data of the nodes, with a limit on depth and on what aliases multiply. */
class Converter {
  readonly faults: DocumentFault[] = [];
  readonly #targets: Targets;
  readonly #places: Places;
  #nodes = 0;

  constructor(targets: Targets, places: Places) {
    this.#targets = targets;
    this.#places = places;
  }

  convert(root: Node | null): unknown {
    const data = this.#value(root, 0);
    return this.faults.length === 0 ? data : undefined;
  }

  #value(node: Node | null | undefined, depth: number): unknown {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES || depth > MAX_DEPTH) {
      const limit =
        depth > MAX_DEPTH ? `${MAX_DEPTH} levels deep` : `${MAX_NODES} values long, aliases included`;
      return this.#fault(node, `the document is more than ${limit}, which is the limit`);
    }
    if (isAlias(node)) {
      const target = this.#targets.get(node);
      return target === undefined
        ? this.#fault(
            node,
            'an alias (*name) without its anchor (&name); put a text that begins with * in quotes',
          )
        : this.#value(target, depth + 1);
    }
    if (isMap(node)) {
      return this.#map(node.items, depth);
    }
    if (isSeq(node)) {
      return node.items.map((item) => this.#stopped() || this.#value(item as Node, depth + 1));
    }
    return isScalar(node) ? node.value : null;
  }

  #map(pairs: readonly { readonly key: unknown; readonly value: unknown }[], depth: number): unknown {
    const entries: [string, unknown][] = [];
    for (const { key, value } of pairs) {
      if (this.#stopped()) {
        break;
      }
      // Items of a parsed map are nodes; the package's type for them is open.
      entries.push([this.#key(key as Node | null), this.#value(value as Node | null, depth + 1)]);
    }
    // fromEntries defines, it does not assign: a key named __proto__ is a key like any other.
    return Object.fromEntries(entries);
  }

  #key(node: Node | null): string {
    if (isScalar(node) && node.value !== null && node.value !== '__proto__') {
      return String(node.value);
    }
    this.#fault(node, 'a key that is no plain text');
    return '';
  }

  #stopped(): boolean {
    return this.faults.length >= MAX_FAULTS || this.#nodes > MAX_NODES;
  }

  #fault(node: Node | null | undefined, text: string): undefined {
    if (this.faults.length < MAX_FAULTS) {
      this.faults.push({ line: this.#places.lineAt(offsetOf(node) ?? 0), text });
    }
    return undefined;
  }
}

const FAULT_TEXTS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag of its own',
  BAD_ALIAS:
    'an alias (*name) or an anchor (&name) without a proper name; put a text that begins so in quotes',
  BAD_COLLECTION_TYPE: 'a tag that does not fit its value; remove the tag',
  BAD_DIRECTIVE: 'a directive (%...) that is not known; put a text that begins with % in quotes',
  BAD_DQ_ESCAPE:
    'an unknown escape after a backslash in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'wrong indentation, or a bracket that is not closed',
  BAD_PROP_ORDER: 'an anchor or tag in the wrong place',
  BAD_SCALAR_START: 'a text that begins with a reserved character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a map or list where one value was expected; a text that holds ": " needs quotes',
  BLOCK_IN_FLOW: 'an indented map or list inside brackets; use brackets there too',
  DUPLICATE_KEY: 'this key is there already in the same map; every key may be given once',
  IMPOSSIBLE: 'this cannot be understood as YAML',
  KEY_OVER_1024_CHARS: 'a key of more than 1,024 characters, or a bracket or quote that is not closed',
  MISSING_CHAR: 'a missing character: a closing quote, a bracket, a comma, a colon, or a space after one',
  MULTILINE_IMPLICIT_KEY: 'a key that goes over several lines; is a colon or a quote missing?',
  MULTIPLE_ANCHORS: 'a value with more than one anchor',
  MULTIPLE_DOCS: 'a second document begins here (---); a file holds one job',
  MULTIPLE_TAGS: 'a value with more than one tag',
  NON_STRING_KEY: 'a key that is no plain text',
  RESOURCE_EXHAUSTION: 'brackets nested too deeply',
  TAB_AS_INDENT: 'a tab as indentation; YAML wants spaces',
  TAG_RESOLVE_FAILED:
    'a tag (!name) that is not supported; remove it, or put a text that begins with ! in quotes',
  UNEXPECTED_TOKEN: 'something that does not belong here; a text with special characters needs quotes',
};
