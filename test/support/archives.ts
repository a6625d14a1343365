/**
 * Reads finished Maildir and mbox archives by the plain rules of their formats, without the product's code and without its
 * ledger: what lies there is what counts, twice where it lies there twice.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LF = 0x0a;
const FROM = Buffer.from('From ');

export function sha256(octets: Buffer): string {
  return createHash('sha256').update(octets).digest('hex');
}

/** What the sinks keep of the octets of the wire: CRLF becomes LF where every LF has its CR, else nothing changes. */
export function storedForm(wire: Buffer): Buffer {
  const text = wire.toString('latin1');
  return /(?<!\r)\n/.test(text) ? wire : Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1');
}

/** SHA-256 of what the sinks must hold for these messages, sorted. */
export function storedDigests(wire: Iterable<Buffer>): string[] {
  return Array.from(wire, (octets) => sha256(storedForm(octets))).sort();
}

/** SHA-256 of every file in a Maildir, sorted; none where it is not there. Throws where something was left in `tmp`. */
export function maildirDigests(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const unfinished = readdirSync(join(folder, 'tmp'));
  if (unfinished.length > 0) throw new Error(`left in ${folder}/tmp: ${unfinished.join(', ')}`);
  return maildirFiles(folder)
    .map((path) => sha256(readFileSync(path)))
    .sort();
}

/** The paths of all messages of a Maildir. */
export function maildirFiles(folder: string): string[] {
  return ['new', 'cur'].flatMap((part) =>
    readdirSync(join(folder, part)).map((name) => join(folder, part, name)),
  );
}

/** SHA-256 of every message of an mbox, quoting removed, sorted; none where there is no file. */
export function mboxDigests(file: string, tail: MboxTail = 'whole'): string[] {
  return existsSync(file) ? mboxMessages(readFileSync(file), tail).map(sha256).sort() : [];
}

/** How the file may end: a run that could not even cut back what it had begun leaves a torn tail to the next one. */
export type MboxTail = 'whole' | 'may be torn';

/**
 * The messages of an mbox file in mboxrd format: each line that begins with `From ` is a separator; before the next one and
 * at the end stands an empty line that belongs to nobody; of `>From `, `>>From ` … one `>` is quoting.
 * A message must end with a line end to be told from that empty line.
 */
export function mboxMessages(file: Buffer, tail: MboxTail = 'whole'): Buffer[] {
  const starts = separators(file);
  if (tail === 'whole' && starts[0] !== 0 && file.length > 0) {
    throw new Error('an mbox begins with a line "From "');
  }
  return starts.flatMap((start, index) => {
    const end = starts[index + 1] ?? file.length;
    const body = file.subarray(file.indexOf(LF, start) + 1, end);
    if (body.at(-1) === LF) return [unquote(body.subarray(0, -1))];
    if (tail === 'whole' || end < file.length) {
      throw new Error(`no empty line at the end of the message at ${start}`);
    }
    return [];
  });
}

function separators(file: Buffer): number[] {
  const starts: number[] = [];
  for (let at = file.indexOf(FROM); at !== -1; at = file.indexOf(FROM, at + 1)) {
    if (at === 0 || file[at - 1] === LF) starts.push(at);
  }
  return starts;
}

function unquote(body: Buffer): Buffer {
  if (!body.includes('>From ')) return body;
  return Buffer.from(body.toString('latin1').replace(/(?<![^\n])>(>*From )/g, '$1'), 'latin1');
}
