/**
 * The corpus of real and nasty mail beside the project (`../shared/corpus`): read where it stands, never copied, every
 * file checked against the digest in its MANIFEST.tsv. A checkout without it skips the tests that use it; in CI they run and fail.
 *
 * An mbox file is split by one plain rule: each line that begins with `From ` starts a message; the line itself is
 * dropped; the message goes on to the octet before the next such line or to the end of the file, trailing blank lines
 * included; nothing is unquoted. (It gives the counts of the manifest, and for james-mime4j-mbox exactly the parts that lie beside it.)
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../../../shared/corpus/', import.meta.url);
const MANIFEST = new URL('MANIFEST.tsv', FOLDER);
const FROM_LINE = Buffer.from('From ');
const LF = 0x0a;

export interface CorpusMessage {
  /** Path in the corpus; for a message of an mbox file with `#` and its number, from 1. */
  readonly name: string;
  /** As in the file, line ends included: LF, CRLF or both. Not yet the form of the wire. */
  readonly octets: Buffer;
  readonly lineEnds: 'lf' | 'crlf' | 'mixed';
  /** The manifest's words, e.g. `nul`, `bare-cr`, `no-final-eol`, `starts-with-From_`. */
  readonly traits: readonly string[];
}

/** For `describe.skipIf(…)`: a reason where the corpus is not there, else false. Never a reason in CI. */
export function whySkipCorpus(): string | false {
  if (process.env['CI'] === 'true' || existsSync(MANIFEST)) return false;
  return `no corpus at ${fileURLToPath(FOLDER)}`;
}

/** All 573 messages in the manifest's order. Throws where a file is missing, changed, or splits into another number. */
export function corpusMessages(): CorpusMessage[] {
  const [, ...rows] = readFileSync(MANIFEST, 'utf8').trimEnd().split('\n');
  return rows.flatMap(messagesOfRow);
}

/** The rule above; what stands before the first `From ` line is dropped with it. */
export function splitMbox(file: Buffer): Buffer[] {
  const starts = lineStarts(file).filter((at) => file.subarray(at, at + FROM_LINE.length).equals(FROM_LINE));
  return starts.map((start, index) => {
    const lineEnd = file.indexOf(LF, start);
    return file.subarray(lineEnd === -1 ? file.length : lineEnd + 1, starts[index + 1] ?? file.length);
  });
}

function messagesOfRow(row: string): CorpusMessage[] {
  const [path, , sha256, kind, count, lineEnds, traits] = row.split('\t');
  if (path === undefined || traits === undefined) throw new Error(`MANIFEST.tsv has a short row: ${row}`);
  if (lineEnds !== 'lf' && lineEnds !== 'crlf' && lineEnds !== 'mixed')
    throw new Error(`line ends of ${path}`);
  const file = readFileSync(new URL(path, FOLDER));
  if (createHash('sha256').update(file).digest('hex') !== sha256) throw new Error(`${path} has changed`);
  const common = {
    lineEnds,
    traits: traits === '-' ? [] : traits.split(','),
  } satisfies Partial<CorpusMessage>;
  if (kind === 'message') return [{ name: path, octets: file, ...common }];
  const parts = splitMbox(file);
  if (parts.length !== Number(count)) throw new Error(`${path}: ${parts.length} messages, expected ${count}`);
  return parts.map((octets, index) => ({ name: `${path}#${index + 1}`, octets, ...common }));
}

function lineStarts(file: Buffer): number[] {
  const starts = [0];
  for (let at = file.indexOf(LF); at !== -1; at = file.indexOf(LF, at + 1)) starts.push(at + 1);
  return starts;
}
