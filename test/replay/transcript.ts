/**
 * Reads a transcript (see README.md): who says what on the wire, and what the client must make of it. It must not know sockets
 * nor the client.
 */
import { numbersIn } from './numbers.ts';

export type Step =
  /** Octets that the server sends. */
  | { readonly kind: 'server'; readonly octets: Buffer }
  /** Octets that the client must send, and nothing else. */
  | { readonly kind: 'client'; readonly octets: Buffer }
  | { readonly kind: 'end'; readonly how: 'fin' | 'rst' };

export interface Transcript {
  readonly name: string;
  /** The quirks and duties that it shows: of its name, and of lines `# Q5, RFC-24: …` and `# covers Q5, RFC-24`. */
  readonly covers: readonly string[];
  /** `set` lines: what the driver does with this server. */
  readonly settings: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
  /** `=` lines: the outcome, in order. */
  readonly outcome: readonly string[];
}

/** @throws Error that names the line that cannot be read. */
export function parseTranscript(name: string, text: string): Transcript {
  const settings = new Map<string, string>();
  const steps: Step[] = [];
  const outcome: string[] = [];
  const covers = new Set(coveredByName(name));
  for (const [index, line] of text.split('\n').entries()) {
    if (/^# (covers |(Q|RFC-)[^a-z:]*:)/.test(line)) {
      for (const number of numbersIn(line.split(':')[0] ?? '')) {
        covers.add(number);
      }
    }
    if (line === '' || line.startsWith('#')) {
      continue;
    }
    const match = /^(S-\*\d+|S-|S\*\d+|S|C|E|=|set):? ?(.*)$/.exec(line);
    const [, mark = '', rest = ''] = match ?? [];
    if (mark === '=') {
      outcome.push(rest);
    } else if (mark === 'set') {
      const [key = '', ...value] = rest.split(' ');
      settings.set(key, value.join(' '));
    } else {
      steps.push(readStep(mark, rest, `${name}:${index + 1}`));
    }
  }
  return { name, covers: [...covers], settings, steps, outcome };
}

/** `message/q24-closed-behind-the-dot.txt` shows Q24. */
function coveredByName(name: string): string[] {
  return (
    /(?:^|\/)q(\d+)-/
      .exec(name)
      ?.slice(1)
      .map((number) => `Q${number}`) ?? []
  );
}

function readStep(mark: string, rest: string, where: string): Step {
  if (mark === 'C') {
    return { kind: 'client', octets: unescaped(`${rest}\\r\\n`) };
  }
  if (mark === 'E' && (rest === 'fin' || rest === 'rst')) {
    return { kind: 'end', how: rest };
  }
  if (mark.startsWith('S')) {
    const times = Number(/\d+/.exec(mark)?.[0] ?? '1');
    const octets = unescaped(mark.startsWith('S-') ? rest : `${rest}\\r\\n`);
    return { kind: 'server', octets: Buffer.concat(Array(times).fill(octets)) };
  }
  throw new Error(`${where}: neither S, S-, S*n, S-*n, C, E fin, E rst, set nor =`);
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };

function unescaped(text: string): Buffer {
  const octets = text.replace(/\\(x[0-9a-f]{2}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code),
  );
  return Buffer.from(octets, 'latin1');
}

/** The same escapes the other way round, for outcomes; a letter that stands more than 40 times is written `x{4000}`. */
export function escaped(octets: Buffer): string {
  const names: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\\': '\\\\' };
  return octets
    .toString('latin1')
    .replace(
      /[^\x20-\x5b\x5d-\x7e]/g,
      (c) => names[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
    .replace(/([a-z])\1{40,}/g, (run, letter: string) => `${letter}{${run.length}}`);
}
