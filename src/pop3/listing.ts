/**
 * Reading what STAT, LIST and UIDL say (RFC 1939 §5, §7): octet by octet and as a stream, since a listing may have a
 * million lines. A malformed line is an error, never a guess.
 */
import { ProtocolError } from './errors.ts';
import { quote } from './status.ts';

export interface MaildropStat {
  readonly count: number;
  /** Size of the maildrop in octets as the server says it: advice only, some servers overflow it. */
  readonly octets: number;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const ZERO = 0x30;
const PLUS = 0x2b;

/** Longest line of a listing that is kept: a UIDL is at most 70 octets by RFC 1939 §7; real ones are longer. */
const MAX_LINE_OCTETS = 16 * 1024;

/** Highest message number that is taken for one: beyond it a listing is an attack on memory. */
const MAX_NUMBER = 100_000_000;

/** @throws ProtocolError */
export function parseStat(text: string): MaildropStat {
  const match = /^(\d{1,15})[ \t]+(-?\d{1,20})/.exec(text);
  if (match === null) {
    throw malformed('STAT', 'a count and a size', text);
  }
  return { count: Number(match[1]), octets: Number(match[2]) };
}

/** Takes a line without its line end: the octets from `start` to `end`, good until it returns. */
export type LineHandler = (octets: Buffer, start: number, end: number) => void;

/** Cuts a body into lines. A line that lies whole in what is pushed costs no object: a listing may have a million. */
export class LineReader {
  readonly #onLine: LineHandler;
  readonly #what: string;
  #partial: Buffer | undefined;

  constructor(what: string, onLine: LineHandler) {
    this.#what = what;
    this.#onLine = onLine;
  }

  push(octets: Buffer): void {
    let start = 0;
    for (let lf = octets.indexOf(LF); lf !== -1; lf = octets.indexOf(LF, start)) {
      if (this.#partial === undefined) {
        this.#take(octets, start, lf);
      } else {
        this.#takePartial(octets.subarray(start, lf));
      }
      start = lf + 1;
    }
    if (start < octets.length) {
      const rest = octets.subarray(start);
      this.#assertShort(rest.length + (this.#partial?.length ?? 0));
      this.#partial = this.#partial === undefined ? rest : Buffer.concat([this.#partial, rest]);
    }
  }

  /** The last line of a body always has its line end; what is left without one is a line too. */
  end(): void {
    if (this.#partial !== undefined) {
      this.#takePartial(Buffer.alloc(0));
    }
  }

  #takePartial(rest: Buffer): void {
    const line = Buffer.concat([this.#partial ?? rest, rest]);
    this.#partial = undefined;
    this.#take(line, 0, line.length);
  }

  #take(octets: Buffer, start: number, end: number): void {
    this.#assertShort(end - start);
    this.#onLine(octets, start, end > start && octets[end - 1] === CR ? end - 1 : end);
  }

  #assertShort(length: number): void {
    if (length > MAX_LINE_OCTETS) {
      throw new ProtocolError(
        `the server sent a line of more than ${MAX_LINE_OCTETS} octets in its answer to ${this.#what}`,
      );
    }
  }
}

/** Reads `number size`; what follows behind a blank is ignored. @throws ProtocolError */
export function parseListLine(
  line: Buffer,
  start = 0,
  end = line.length,
): { readonly number: number; readonly octets: number } {
  const numberEnd = skipDigits(line, start, end);
  const sizeStart = skipBlanks(line, numberEnd, end);
  const sizeEnd = skipDigits(line, sizeStart, end);
  const number = numberIn(line, start, numberEnd);
  const octets = numberIn(line, sizeStart, sizeEnd);
  const isWhole = sizeEnd === end || skipBlanks(line, sizeEnd, end) > sizeEnd;
  if (!isMessageNumber(number) || sizeStart === numberEnd || octets === undefined || !isWhole) {
    throw malformed('LIST', 'a message number and a size', line.toString('latin1', start, end));
  }
  return { number, octets };
}

/**
 * Reads `number unique-id`. The unique-id is taken as it comes, one character per octet; it may be empty (some servers
 * send none) and may hold what RFC 1939 §7 forbids: the caller decides what such an id is worth.
 * @throws ProtocolError
 */
export function parseUidlLine(
  line: Buffer,
  start = 0,
  end = line.length,
): { readonly number: number; readonly uidl: string } {
  // Some servers begin every line with `+OK `.
  const isAnswer =
    line[start] === PLUS && line.toString('latin1', start, Math.min(start + 4, end)).toUpperCase() === '+OK ';
  const from = isAnswer && end - start > 4 ? start + 4 : start;
  const numberEnd = skipDigits(line, from, end);
  const uidlStart = skipBlanks(line, numberEnd, end);
  const number = numberIn(line, from, numberEnd);
  if (!isMessageNumber(number) || (uidlStart === numberEnd && uidlStart < end)) {
    throw malformed('UIDL', 'a message number and a unique-id', line.toString('latin1', start, end));
  }
  let uidlEnd = end;
  while (uidlEnd > uidlStart && (line[uidlEnd - 1] === SPACE || line[uidlEnd - 1] === TAB)) {
    uidlEnd -= 1;
  }
  return { number, uidl: line.toString('latin1', uidlStart, uidlEnd) };
}

function isMessageNumber(value: number | undefined): value is number {
  return value !== undefined && value >= 1 && value <= MAX_NUMBER;
}

function skipDigits(line: Buffer, from: number, end: number): number {
  let position = from;
  while (position < end && isDigit(line[position])) {
    position += 1;
  }
  return position;
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= ZERO && octet <= ZERO + 9;
}

/** The number that the digits between are; undefined where there are none, or too many. */
function numberIn(line: Buffer, start: number, end: number): number | undefined {
  let value = 0;
  for (let position = start; position < end; position++) {
    value = value * 10 + (line[position] ?? 0) - ZERO;
  }
  return end > start && Number.isSafeInteger(value) ? value : undefined;
}

function skipBlanks(line: Buffer, from: number, end: number): number {
  let position = from;
  while (position < end && (line[position] === SPACE || line[position] === TAB)) {
    position += 1;
  }
  return position;
}

function malformed(what: string, expected: string, came: string): ProtocolError {
  return new ProtocolError(
    `malformed line in the answer to ${what}: expected ${expected}, got ${quote(came)}`,
    {
      code: 'pop3-malformed-listing',
    },
  );
}
