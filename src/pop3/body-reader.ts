/**
 * Reads the body of one multi-line answer: finds its end, takes the stuffed dots out, hands on the octets between.
 * It sees chunks as TCP cut them, copies only those that hold stuffed dots, and knows nothing of commands or messages. (RFC 1939 §3)
 */

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const LF_DOT = Buffer.from('\n.', 'latin1');
const NOTHING = Buffer.alloc(0);

/**
 * What ends a line. `crlf` is the protocol. `lf` is for servers that end even the status line of the answer with a bare LF; it is
 * chosen by that line, so that a bare LF inside a message of a proper server stays data.
 */
export type LineEnding = 'crlf' | 'lf';

/**
 * What a dot at the start of a line turns out to be: the first of two (`stuffed`, one goes), part of the terminator
 * (`end2` and `end3` give its length), a dot of a server that does not stuff (`plain`, it stays), or not yet decidable.
 */
type DotKind = 'stuffed' | 'end2' | 'end3' | 'plain' | 'undecided';

export class BodyReader {
  readonly #lineEnding: LineEnding;
  /** A dot at a line's start, perhaps with its CR, at the end of the last chunk: not decided yet, not handed on. */
  #held: Buffer = NOTHING;
  #isAtLineStart = true;
  #isAfterCr = false;

  constructor(lineEnding: LineEnding) {
    this.#lineEnding = lineEnding;
  }

  /**
   * Takes `chunk` from `from` on and hands the un-stuffed octets to `emit`, at once: a chunk full of stuffed dots must not
   * become thousands of slices that each cost the receiver an object.
   * @returns the position behind the terminator, or -1 where the body goes on in the next chunk.
   */
  push(chunk: Buffer, from: number, emit: (octets: Buffer) => void): number {
    if (from === chunk.length) {
      return -1;
    }
    // Mostly there is one piece, and no list is made for it.
    let first: Buffer | undefined;
    let others: Buffer[] | undefined;
    const end = this.#read(chunk, from, (piece) => {
      if (first === undefined) {
        first = piece;
      } else {
        others ??= [];
        others.push(piece);
      }
    });
    if (first !== undefined) {
      emit(others === undefined ? first : Buffer.concat([first, ...others]));
    }
    return end;
  }

  #read(chunk: Buffer, from: number, emit: (octets: Buffer) => void): number {
    if (this.#held.length > 0) {
      const end = this.#decideHeld(chunk, from, emit);
      if (end !== undefined) {
        return end;
      }
    }
    let start = from;
    let dot = this.#firstDot(chunk, from);
    while (dot !== -1) {
      const kind = this.#kindOfDot(chunk, dot);
      if (kind !== 'plain' && dot > start) {
        emit(chunk.subarray(start, dot));
      }
      switch (kind) {
        case 'undecided':
          this.#held = Buffer.from(chunk.subarray(dot));
          return -1;
        case 'end2':
          return dot + 2;
        case 'end3':
          return dot + 3;
        case 'stuffed':
          start = dot + 1;
          break;
        case 'plain':
          break;
      }
      dot = this.#nextDot(chunk, dot + 1);
    }
    if (start < chunk.length) {
      emit(chunk.subarray(start));
    }
    this.#rememberEnd(chunk, from);
    return -1;
  }

  /** Settles the held octets with what has come. @returns as `push`, or undefined where the chunk is read on normally. */
  #decideHeld(chunk: Buffer, from: number, emit: (octets: Buffer) => void): number | undefined {
    const held = this.#held;
    const joined = Buffer.concat([held, chunk.subarray(from, from + 2)]);
    const kind = this.#kindOfDot(joined, 0);
    if (kind === 'undecided') {
      this.#held = joined;
      return -1;
    }
    this.#held = NOTHING;
    if (kind === 'end2' || kind === 'end3') {
      return from + (kind === 'end2' ? 2 : 3) - held.length;
    }
    if (kind === 'plain') {
      emit(held);
    }
    this.#isAtLineStart = false;
    // Also where a CR was held: an LF behind it would have been the end.
    this.#isAfterCr = false;
    return undefined;
  }

  #kindOfDot(octets: Buffer, dot: number): DotKind {
    const next = octets[dot + 1];
    if (next === undefined) {
      return 'undecided';
    }
    if (next === DOT) {
      return 'stuffed';
    }
    if (next === LF && this.#lineEnding === 'lf') {
      return 'end2';
    }
    if (next !== CR) {
      return 'plain';
    }
    const afterCr = octets[dot + 2];
    if (afterCr === undefined) {
      return 'undecided';
    }
    return afterCr === LF ? 'end3' : 'plain';
  }

  /** The first dot at a line's start, where the line may have begun in the chunk before. */
  #firstDot(chunk: Buffer, from: number): number {
    if (this.#isAtLineStart && chunk[from] === DOT) {
      return from;
    }
    const endsLineHere = chunk[from] === LF && (this.#isAfterCr || this.#lineEnding === 'lf');
    if (endsLineHere && chunk[from + 1] === DOT) {
      return from + 1;
    }
    return this.#nextDot(chunk, from + 1);
  }

  /** The next dot behind a line end that lies wholly at or behind `from - 1`. */
  #nextDot(chunk: Buffer, from: number): number {
    let found = chunk.indexOf(LF_DOT, from);
    while (found !== -1 && this.#lineEnding === 'crlf' && chunk[found - 1] !== CR) {
      found = chunk.indexOf(LF_DOT, found + 1);
    }
    return found === -1 ? -1 : found + 1;
  }

  #rememberEnd(chunk: Buffer, from: number): void {
    const last = chunk.length - 1;
    const isAfterCr = last > from ? chunk[last - 1] === CR : this.#isAfterCr;
    this.#isAtLineStart = chunk[last] === LF && (isAfterCr || this.#lineEnding === 'lf');
    this.#isAfterCr = chunk[last] === CR;
  }
}
