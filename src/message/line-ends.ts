/**
 * Line ends in octets: counting them, and turning CRLF into LF and back. It must not know what a message is for.
 *
 * CRLF becomes LF reversibly only where every LF has its CR: on the way back each LF gets a CR, whatever stands before it
 * (`\r\r\n` becomes `\r\n` and `\r\r\n` again). A CR without LF is an octet like any other.
 *
 * All loops jump from LF to LF with `Buffer.indexOf`, which searches natively: on 4 KB messages that counts five times as
 * fast as a loop over octets. Converting copies everything once and then moves each line to its place with `copyWithin`, which
 * takes a third of the time of `Buffer.copy` line by line (that makes a view for each part) and half that of a latin1 string.
 */
import type { LineEnds } from './message.ts';

const CR = 13;
const LF = 10;
const ONE_CR = Buffer.from('\r');

export function countLineEnds(octets: Buffer): LineEnds {
  const counter = new LineEndCounter();
  counter.push(octets);
  return counter.lineEnds;
}

/** Counts over chunks; a CRLF may be cut between two of them. */
export class LineEndCounter {
  #crlf = 0;
  #bareLf = 0;
  #crCrlf = 0;
  /** How many CRs stand at the end of what was pushed; two are as good as more. */
  #finalCrs: 0 | 1 | 2 = 0;

  push(chunk: Buffer): void {
    if (chunk.length === 0) {
      return;
    }
    let crlf = 0;
    let bareLf = 0;
    let crCrlf = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1)) {
      if (at > 1 ? chunk[at - 1] === CR : this.#crsBefore(chunk, at) > 0) {
        crlf++;
        if (at > 1 ? chunk[at - 2] === CR : this.#crsBefore(chunk, at) > 1) {
          crCrlf++;
        }
      } else {
        bareLf++;
      }
    }
    this.#crlf += crlf;
    this.#bareLf += bareLf;
    this.#crCrlf += crCrlf;
    this.#finalCrs = this.#crsBefore(chunk, chunk.length);
  }

  /** CRs directly before `at`, those at the end of the chunk before included. */
  #crsBefore(chunk: Buffer, at: number): 0 | 1 | 2 {
    if (at === 0) {
      return this.#finalCrs;
    }
    if (chunk[at - 1] !== CR) {
      return 0;
    }
    const hasAnother = at === 1 ? this.#finalCrs > 0 : chunk[at - 2] === CR;
    return hasAnother ? 2 : 1;
  }

  get lineEnds(): LineEnds {
    return { crlf: this.#crlf, bareLf: this.#bareLf, crCrlf: this.#crCrlf };
  }
}

/** What a conversion to LF found and made. */
export interface LfCopy extends Pick<LineEnds, 'crlf' | 'bareLf'> {
  /** Where it ends in the target. */
  readonly end: number;
}

/**
 * Copies `source[start, end)` to `target` at `at`, each CRLF as LF, and counts them on the way. `target` needs room for the uncut
 * source. A CRLF must not straddle `start` or `end`: then its CR is an octet like any other, and its LF counts as bare.
 */
export function copyAsLf(source: Buffer, start: number, end: number, target: Buffer, at: number): LfCopy {
  target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
  const shift = at - start;
  let to = at;
  let from = start;
  let crlf = 0;
  let bareLf = 0;
  for (let lf = source.indexOf(LF, start); lf !== -1 && lf < end; lf = source.indexOf(LF, lf + 1)) {
    if (lf > from && source[lf - 1] === CR) {
      to = moveWithin(target, to, from + shift, lf - 1 + shift);
      from = lf;
      crlf++;
    } else {
      bareLf++;
    }
  }
  return { end: moveWithin(target, to, from + shift, end + shift), crlf, bareLf };
}

/** Moves `octets[from, end)` to `to`, at or before `from`, and returns where it ends there. */
function moveWithin(octets: Buffer, to: number, from: number, end: number): number {
  if (to !== from) {
    octets.copyWithin(to, from, end);
  }
  return to + end - from;
}

/** The octets with each LF as CRLF, in a Buffer of their own. A CR that is there already is not looked at. */
export function toCrlf(octets: Buffer): Buffer {
  const { crlf, bareLf } = countLineEnds(octets);
  const added = crlf + bareLf;
  const target = Buffer.allocUnsafe(octets.length + added);
  // At the far end first: from there each line moves forward to its place, and never onto one that has not moved yet.
  target.set(octets, added);
  let to = 0;
  let from = 0;
  for (let lf = octets.indexOf(LF); lf !== -1; lf = octets.indexOf(LF, lf + 1)) {
    to = moveWithin(target, to, from + added, lf + added);
    target[to++] = CR;
    from = lf;
  }
  moveWithin(target, to, from + added, octets.length + added);
  return target;
}

/** Turns CRLF into LF over chunks, and counts line ends on the way. */
export class LfConverter {
  #holdsCr = false;
  #crlf = 0;
  #bareLf = 0;
  /** One for all chunks. */
  #scratch = Buffer.alloc(0);

  /** Of what was pushed so far. */
  get lineEnds(): Pick<LineEnds, 'crlf' | 'bareLf'> {
    return { crlf: this.#crlf, bareLf: this.#bareLf };
  }

  /** Hands on what of the chunk is decided, good until the next call; a CR at its end waits for the next one. */
  push(chunk: Buffer, emit: (octets: Buffer) => void): void {
    if (chunk.length === 0) {
      return;
    }
    const endsCrlf = this.#holdsCr && chunk[0] === LF;
    if (this.#holdsCr && !endsCrlf) {
      emit(ONE_CR);
    }
    this.#holdsCr = chunk[chunk.length - 1] === CR;
    if (this.#scratch.length < chunk.length) {
      this.#scratch = Buffer.allocUnsafeSlow(chunk.length);
    }
    const { end, crlf, bareLf } = copyAsLf(
      chunk,
      0,
      chunk.length - (this.#holdsCr ? 1 : 0),
      this.#scratch,
      0,
    );
    this.#crlf += endsCrlf ? crlf + 1 : crlf;
    this.#bareLf += endsCrlf ? bareLf - 1 : bareLf;
    if (end > 0) {
      emit(this.#scratch.subarray(0, end));
    }
  }

  /** Hands on what is left at the end: a CR without LF, or nothing. */
  end(emit: (octets: Buffer) => void): void {
    if (this.#holdsCr) {
      emit(ONE_CR);
      this.#holdsCr = false;
    }
  }
}
