/**
 * What stands behind the committed length of an mbox, and what is to be done about it. It reads and decides; cutting is not
 * here.
 *
 * A tail is ours, and may be cut, only if the journal announced it: it is no longer than announced, it begins with the
 * From_ line that was announced first, and every From_ line in it is one of those announced, in its place. Quoting leaves
 * no other in a message of ours, and whatever another program appends begins with one. What a crash left unwritten is
 * missing or NUL, and counts neither way.
 */
import { readSync } from 'node:fs';
import { lineCheck, type MboxJournal, type PendingAppend } from './journal.ts';

const CHUNK_OCTETS = 1024 * 1024;
const FROM_AT_LINE_START = Buffer.from('\nFrom ');
const FROM = FROM_AT_LINE_START.subarray(1);
/** No From_ line of ours is longer. */
const LINE_LIMIT_OCTETS = 512;

export type TailDecision =
  /** Ends where the journal says. */
  | 'clean'
  /** Ours, from a batch that was never recorded: to be cut. */
  | 'ours'
  /** Longer, and not by us: another program delivered while we were away. What it wrote stays. */
  | 'adopted'
  /** Shorter than what we recorded: another program rewrote the file. What is left stays. */
  | 'shrunk'
  /** We were interrupted, and another program wrote here since: where one ends and the other begins cannot be known. */
  | 'foreign';

/** @param isAnnounced whether the tail is the one that the journal announced; asked only where it matters */
export function decideTail(
  { committed, pending }: Pick<MboxJournal, 'committed' | 'pending'>,
  length: number,
  isAnnounced: (pending: PendingAppend) => boolean,
): TailDecision {
  if (length <= committed) {
    return length === committed ? 'clean' : 'shrunk';
  }
  if (pending === undefined) {
    return 'adopted';
  }
  return length <= pending.end && isAnnounced(pending) ? 'ours' : 'foreign';
}

/** Compares the From_ lines between `start` and `length` with those announced. */
export function hasAnnouncedLines(
  fd: number,
  start: number,
  length: number,
  { fromLines }: PendingAppend,
): boolean {
  const announced = new Map(fromLines.map(({ offset, check }) => [offset, check]));
  const [first] = fromLines;
  if (first === undefined) {
    return false;
  }
  let isFirstThere = isUnwritten(fd, first.offset, length);
  for (const offset of fromLineOffsets(fd, start, length)) {
    const expected = announced.get(offset);
    const line = readLine(fd, offset);
    if (expected === undefined || (line !== undefined && lineCheck(line) !== expected)) {
      return false;
    }
    isFirstThere ||= offset === first.offset;
  }
  return isFirstThere;
}

function isUnwritten(fd: number, offset: number, length: number): boolean {
  const octets = Buffer.alloc(FROM.length);
  const read = readSync(fd, octets, 0, octets.length, offset);
  return offset + FROM.length > length || read < octets.length || octets.includes(0);
}

/** The line without its end, or undefined where a crash cut it short. */
function readLine(fd: number, offset: number): string | undefined {
  const octets = Buffer.alloc(LINE_LIMIT_OCTETS);
  const read = readSync(fd, octets, 0, octets.length, offset);
  const text = octets.toString('latin1', 0, read);
  const end = text.search(/[\n\0]/);
  if (end === -1) {
    // Longer than any of ours, or the last of the file.
    return read === octets.length ? text : undefined;
  }
  return text[end] === '\n' ? text.slice(0, end) : undefined;
}

/** Where `From ` stands at the start of a line from `start` on, up to `end`; `start` counts as the start of a line. */
export function* fromLineOffsets(fd: number, start: number, end: number): Generator<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_OCTETS);
  // As if a line ended just before `start`.
  FROM_AT_LINE_START.copy(buffer, 0, 0, 1);
  let kept = 1;
  for (let position = start; position < end; ) {
    const read = readSync(fd, buffer, kept, Math.min(buffer.length - kept, end - position), position);
    if (read === 0) {
      return;
    }
    const octets = buffer.subarray(0, kept + read);
    for (let at = octets.indexOf(FROM_AT_LINE_START); at !== -1; ) {
      // The buffer begins `kept` octets before `position`; the line begins behind the LF.
      yield position - kept + at + 1;
      at = octets.indexOf(FROM_AT_LINE_START, at + 1);
    }
    position += read;
    kept = Math.min(FROM_AT_LINE_START.length - 1, octets.length);
    octets.copy(buffer, 0, octets.length - kept);
  }
}

/** What is missing between the file's last octet and a From_ line: its last line's end, and an empty line (RFC-78). */
export function missingSeparator(fd: number, length: number): '' | '\n' | '\n\n' {
  const last = Buffer.alloc(3);
  const wanted = Math.min(last.length, length);
  const read = readSync(fd, last, 0, wanted, length - wanted);
  const text = last.toString('latin1', 0, read);
  if (length === 0 || text.endsWith('\n\n') || text === '\n\r\n') {
    return '';
  }
  return text.endsWith('\n') ? '\n' : '\n\n';
}
