/**
 * mboxrd quoting: a line that matches `>*From ` gets one more `>`, and loses it when it is read (RFC-79). So no line of a
 * message reads as a separator, and every message comes back as it was. A line begins at the start of the octets and
 * behind each LF, whether or not a CR stands before it; a bare CR begins none.
 *
 * `From ` is searched natively and is rare, so that quoting costs next to nothing. Each run of `>` is walked at most once
 * for the one `From ` behind it: time is linear whatever the octets are.
 */
const LF = 10;
const GREATER = 62;
const CAPITAL_F = 70;
const FROM = Buffer.from('From ');
const QUOTE = Buffer.from('>');
const NOTHING = Buffer.alloc(0);

/**
 * Where `From ` stands at the start of a line, behind any number of `>`.
 * @param minimum how many `>` at least
 * @param isOpen whether a line, or a run of `>` that began one, reaches into the octets from before their start
 */
function* fromLines(octets: Buffer, minimum: 0 | 1, isOpen: boolean): Generator<number> {
  for (let at = octets.indexOf(FROM); at !== -1; at = octets.indexOf(FROM, at + FROM.length)) {
    const start = runStart(octets, at);
    if (at - start >= minimum && (start === 0 ? isOpen : octets[start - 1] === LF)) {
      yield at;
    }
  }
}

/** Where the run of `>` that ends before `at` begins; `at` where there is none. */
function runStart(octets: Buffer, at: number): number {
  let start = at;
  while (start > 0 && octets[start - 1] === GREATER) {
    start--;
  }
  return start;
}

/** Whether the line that begins at `start` gets a `>`, which is inserted there. */
export function isQuotedAt(octets: Buffer, start: number): boolean {
  let at = start;
  while (octets[at] === GREATER) {
    at++;
  }
  const end = at + FROM.length;
  return octets[at] === CAPITAL_F && end <= octets.length && FROM.compare(octets, at, end) === 0;
}

/**
 * How much of the octets' end must wait for what follows: the part of a `From ` that stands at the start of a line, or
 * behind its `>`. At most four octets, or minus one where nothing waits.
 */
function waitingFrom(octets: Buffer, isOpen: boolean): number {
  for (let length = Math.min(FROM.length - 1, octets.length); length >= 0; length--) {
    const at = octets.length - length;
    if (octets.subarray(at).equals(FROM.subarray(0, length))) {
      const start = runStart(octets, at);
      if (start === 0 ? isOpen : octets[start - 1] === LF) {
        return length;
      }
    }
  }
  return -1;
}

/** The part that quoting and un-quoting over chunks have in common: what waits at the end of a chunk. */
class ChunkEdge {
  /** What waits: a beginning of `From `, with the last `>` before it where `keepsQuote`. */
  #held: Buffer = NOTHING;
  /** Whether `#held` stands at the start of a line or behind the `>` that began one. */
  #isOpen = true;
  readonly #keepsQuote: boolean;

  constructor(keepsQuote: boolean) {
    this.#keepsQuote = keepsQuote;
  }

  /** @returns what is decided: `octets`, and whether a line reaches into them from before */
  take(chunk: Buffer): { readonly octets: Buffer; readonly isOpen: boolean } {
    const octets = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const isOpen = this.#isOpen;
    const waiting = waitingFrom(octets, isOpen);
    let decided = octets.length - Math.max(waiting, 0);
    if (waiting !== -1 && this.#keepsQuote && octets[decided - 1] === GREATER) {
      decided--;
    }
    this.#isOpen = waiting !== -1;
    // A copy: who pushes may use the memory of the chunk again.
    this.#held = Buffer.from(octets.subarray(decided));
    return { octets: octets.subarray(0, decided), isOpen };
  }

  end(): Buffer {
    const rest = this.#held;
    this.#held = NOTHING;
    return rest;
  }
}

/** Quotes over chunks. */
export class Quoter {
  readonly #edge = new ChunkEdge(false);
  #quoted = 0;

  /** How many `>` were inserted so far. */
  get quoted(): number {
    return this.#quoted;
  }

  push(chunk: Buffer): Buffer {
    const { octets, isOpen } = this.#edge.take(chunk);
    const pieces: Buffer[] = [];
    let from = 0;
    for (const at of fromLines(octets, 0, isOpen)) {
      pieces.push(octets.subarray(from, at), QUOTE);
      from = at;
      this.#quoted++;
    }
    return from === 0 && pieces.length === 0 ? octets : Buffer.concat([...pieces, octets.subarray(from)]);
  }

  /** What still waited. */
  end(): Buffer {
    return this.#edge.end();
  }
}

/** Takes the quoting away again, over chunks. */
export class Unquoter {
  readonly #edge = new ChunkEdge(true);

  push(chunk: Buffer): Buffer {
    const { octets, isOpen } = this.#edge.take(chunk);
    const pieces: Buffer[] = [];
    let from = 0;
    for (const at of fromLines(octets, 1, isOpen)) {
      pieces.push(octets.subarray(from, at - 1));
      from = at;
    }
    return from === 0 ? octets : Buffer.concat([...pieces, octets.subarray(from)]);
  }

  end(): Buffer {
    return this.#edge.end();
  }
}
