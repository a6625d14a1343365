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

/** Cuts a body into lines and hands each on without its line end. */
export class LineReader {
  readonly #onLine: (line: Buffer) => void;
  readonly #what: string;
  #partial: Buffer | undefined;

  constructor(what: string, onLine: (line: Buffer) => void) {
    this.#what = what;
    this.#onLine = onLine;
  }

  push(octets: Buffer): void {
    let start = 0;
    let lf = octets.indexOf(LF);
    while (lf !== -1) {
      this.#take(octets.subarray(start, lf));
      start = lf + 1;
      lf = octets.indexOf(LF, start);
    }
    if (start < octets.length) {
      this.#keep(octets.subarray(start));
    }
  }

  /** The last line of a body always has its line end; what is left without one is a line too. */
  end(): void {
    if (this.#partial !== undefined) {
      this.#take(Buffer.alloc(0));
    }
  }

  #take(rest: Buffer): void {
    const line = this.#partial === undefined ? rest : Buffer.concat([this.#partial, rest]);
    this.#partial = undefined;
    this.#assertShort(line);
    this.#onLine(line[line.length - 1] === CR ? line.subarray(0, -1) : line);
  }

  #keep(rest: Buffer): void {
    const kept = this.#partial === undefined ? rest : Buffer.concat([this.#partial, rest]);
    this.#assertShort(kept);
    this.#partial = kept;
  }

  #assertShort(line: Buffer): void {
    if (line.length > MAX_LINE_OCTETS) {
      throw new ProtocolError(
        `the server sent a line of more than ${MAX_LINE_OCTETS} octets in its answer to ${this.#what}`,
      );
    }
  }
}

/** Reads `number size`; what follows behind a blank is ignored. @throws ProtocolError */
export function parseListLine(line: Buffer): { number: number; octets: number } {
  const first = readNumber(line, 0);
  const at = skipBlanks(line, first.end);
  const second = readNumber(line, at);
  const isWhole = second.end === line.length || skipBlanks(line, second.end) > second.end;
  if (!isMessageNumber(first.value) || at === first.end || second.value === undefined || !isWhole) {
    throw malformed('LIST', 'a message number and a size', line.toString('latin1'));
  }
  return { number: first.value, octets: second.value };
}

/**
 * Reads `number unique-id`. The unique-id is taken as it comes, one character per octet; it may be empty (some servers
 * send none) and may hold what RFC 1939 §7 forbids: the caller decides what such an id is worth.
 * @throws ProtocolError
 */
export function parseUidlLine(line: Buffer): { number: number; uidl: string } {
  // Some servers begin every line with `+OK `.
  const from =
    line.length > 4 && line[0] === 0x2b && line.toString('latin1', 0, 4).toUpperCase() === '+OK ' ? 4 : 0;
  const first = readNumber(line, from);
  const at = skipBlanks(line, first.end);
  if (!isMessageNumber(first.value) || (at === first.end && at < line.length)) {
    throw malformed('UIDL', 'a message number and a unique-id', line.toString('latin1'));
  }
  let end = line.length;
  while (end > at && (line[end - 1] === SPACE || line[end - 1] === TAB)) {
    end -= 1;
  }
  return { number: first.value, uidl: line.toString('latin1', at, end) };
}

function isMessageNumber(value: number | undefined): value is number {
  return value !== undefined && value >= 1 && value <= MAX_NUMBER;
}

function readNumber(line: Buffer, from: number): { value: number | undefined; end: number } {
  let position = from;
  let value = 0;
  for (;;) {
    const digit = (line[position] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) {
      break;
    }
    value = value * 10 + digit;
    position += 1;
  }
  const isNumber = position > from && Number.isSafeInteger(value);
  return { value: isNumber ? value : undefined, end: position };
}

function skipBlanks(line: Buffer, from: number): number {
  let position = from;
  while (line[position] === SPACE || line[position] === TAB) {
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
