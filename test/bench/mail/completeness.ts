/**
 * Whether a store holds exactly the messages that were served, by SHA-256 of each. Knows the forms only as far as the bench's own mail
 * needs: no message has a line that begins with `From ` or a dot, so nothing is quoted.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Stored } from '../contender.ts';

export const COMPLETE = 'yes';

const LF = 0x0a;
const FROM_LINE = Buffer.from('From ');
const NEXT_FROM_LINE = Buffer.from('\n\nFrom ');

/** Lower-case hex. */
export function digestOf(octets: Buffer): string {
  return createHash('sha256').update(octets).digest('hex');
}

/** What is wrong with a store, in words; `yes` when each expected message is there once and nothing else. */
export function describeCompleteness(expected: readonly string[], stored: Stored): string {
  const open = new Map<string, number>();
  for (const digest of expected) open.set(digest, (open.get(digest) ?? 0) + 1);
  let unexpected = 0;
  for (const octets of readStore(stored)) {
    const digest = digestOf(withoutAddedLine(octets, stored.addedLine));
    const count = open.get(digest) ?? 0;
    if (count === 0) unexpected += 1;
    else open.set(digest, count - 1);
  }
  const missing = [...open.values()].reduce((sum, count) => sum + count, 0);
  if (missing === 0 && unexpected === 0) return COMPLETE;
  return `${missing} of ${expected.length} missing or changed, ${unexpected} unexpected`;
}

/** Changes whenever a message is added: the number of files of a Maildir, the octets of a file. */
export function fillOf({ path, form }: Stored): number {
  if (form !== 'maildir') return existsSync(path) ? statSync(path).size : 0;
  const parts = ['new', 'cur'].map((part) => join(path, part)).filter((part) => existsSync(part));
  return parts.reduce((sum, part) => sum + readdirSync(part).length, 0);
}

function withoutAddedLine(octets: Buffer, line: string | undefined): Buffer {
  if (line === undefined || octets.toString('latin1', 0, line.length) !== line) return octets;
  return octets.subarray(line.length);
}

function readStore({ path, form }: Stored): Generator<Buffer> {
  if (form === 'maildir') return readMaildir(path);
  const file = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  return form === 'mbox' ? readMbox(file) : readBatchSmtp(file);
}

function* readMaildir(folder: string): Generator<Buffer> {
  for (const part of ['new', 'cur']) {
    const path = join(folder, part);
    for (const name of existsSync(path) ? readdirSync(path) : []) yield readFileSync(join(path, name));
  }
}

/** Each message follows its `From ` line; of the line ends at its end one is its own (mpop adds one, fdm two). */
function* readMbox(file: Buffer): Generator<Buffer> {
  let start = file.subarray(0, FROM_LINE.length).equals(FROM_LINE) ? 0 : -1;
  while (start !== -1) {
    const body = file.indexOf('\n', start) + 1;
    const next = file.indexOf(NEXT_FROM_LINE, body);
    let end = next === -1 ? file.length : next + 1;
    while (end - 2 >= body && file[end - 2] === LF) end -= 1;
    yield file.subarray(body, end);
    start = next === -1 ? -1 : next + 2;
  }
}

/** Each message stands between `DATA` and a lone dot; the line ends of the file are those of its first line. */
function* readBatchSmtp(file: Buffer): Generator<Buffer> {
  const lineEnd = file[file.indexOf(LF) - 1] === '\r'.charCodeAt(0) ? '\r\n' : '\n';
  const begin = `${lineEnd}DATA${lineEnd}`;
  const terminator = `${lineEnd}.${lineEnd}`;
  let at = file.indexOf(begin);
  while (at !== -1) {
    const body = at + begin.length;
    const end = file.indexOf(terminator, body);
    const octets = file.subarray(body, end === -1 ? file.length : end + lineEnd.length);
    yield lineEnd === '\n'
      ? octets
      : Buffer.from(octets.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    at = end === -1 ? -1 : file.indexOf(begin, end);
  }
}
