/**
 * Whether a store holds exactly the messages that were served, by SHA-256 of each. Knows the forms only as far as the bench's own mail
 * needs: no message has a line that begins with `From ` or a dot, so nothing is quoted.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredForm } from './contender.ts';

const LF = 0x0a;
const FROM_LINE = Buffer.from('From ');
const NEXT_FROM_LINE = Buffer.from('\n\nFrom ');

/** Lower-case hex. */
export function digestOf(octets: Buffer): string {
  return createHash('sha256').update(octets).digest('hex');
}

/** What is wrong with a store, in words; undefined when each expected message is there once and nothing else. */
export function describeDifference(
  expected: readonly string[],
  form: StoredForm,
  target: string,
): string | undefined {
  const open = new Map<string, number>();
  for (const digest of expected) open.set(digest, (open.get(digest) ?? 0) + 1);
  let unexpected = 0;
  for (const octets of readStore(form, target)) {
    const digest = digestOf(octets);
    const count = open.get(digest) ?? 0;
    if (count === 0) unexpected += 1;
    else open.set(digest, count - 1);
  }
  const missing = [...open.values()].reduce((sum, count) => sum + count, 0);
  if (missing === 0 && unexpected === 0) return undefined;
  return `${missing} of ${expected.length} messages missing or changed, ${unexpected} unexpected`;
}

function readStore(form: StoredForm, target: string): Generator<Buffer> {
  if (form === 'maildir') return readMaildir(target);
  const file = existsSync(target) ? readFileSync(target) : Buffer.alloc(0);
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

/** Each message stands between `DATA` and a lone dot. */
function* readBatchSmtp(file: Buffer): Generator<Buffer> {
  const text = Buffer.from(file.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  let at = text.indexOf('\nDATA\n');
  while (at !== -1) {
    const body = at + '\nDATA\n'.length;
    const end = text.indexOf('\n.\n', body);
    yield text.subarray(body, end === -1 ? text.length : end + 1);
    at = end === -1 ? -1 : text.indexOf('\nDATA\n', end);
  }
}
