/**
 * Where the messages of an mbox are, compactly: 16 octets for each, sorted, so that what lies between them can be looked at.
 * Pure.
 */

import type { KnownPlace } from '../sink.ts';
import { parseLocation } from './location.ts';

const FIRST_NUMBERS = 1024;

/** A part of the file that no message covers. */
export interface Gap {
  readonly start: number;
  readonly end: number;
  /** Behind it stands a message of ours; otherwise the file ends. */
  readonly isBeforeMessage: boolean;
}

export class PlaceIndex {
  /** Where messages begin, damaged ones included; sorted. */
  readonly #starts: Float64Array;
  /** Where each of these ends; where it is damaged, its start: what its octets are now is not known. */
  readonly #ends: Float64Array;

  private constructor(starts: Float64Array, ends: Float64Array) {
    this.#starts = starts;
    this.#ends = ends;
  }

  /** @param damaged starts of messages that nobody counts any more */
  static from(known: Iterable<KnownPlace>, damaged: readonly number[]): PlaceIndex {
    const starts = new Numbers();
    const ends = new Numbers();
    for (const { location, isDiffering } of known) {
      const place = parseLocation(location);
      if (place !== undefined) {
        starts.push(place.offset);
        ends.push(isDiffering ? place.offset : place.offset + place.octets);
      }
    }
    for (const start of damaged) {
      starts.push(start);
      ends.push(start);
    }
    return new PlaceIndex(...sorted(starts.all, ends.all));
  }

  isStart(offset: number): boolean {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#starts[middle] ?? 0) < offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return this.#starts[low] === offset;
  }

  /** What no message covers, from the first octet to `end`. A message without octets is part of the gap around it. */
  *gaps(end: number): Generator<Gap> {
    let covered = 0;
    for (const [index, start] of this.#starts.entries()) {
      const messageEnd = this.#ends[index] ?? start;
      if (messageEnd > start && start <= end) {
        if (start > covered) {
          yield { start: covered, end: start, isBeforeMessage: true };
        }
        covered = Math.max(covered, messageEnd);
      }
    }
    if (covered < end) {
      yield { start: covered, end, isBeforeMessage: false };
    }
  }
}

/** Messages are appended one behind the other, so that there is hardly ever anything to do. */
function sorted(starts: Float64Array, ends: Float64Array): [Float64Array, Float64Array] {
  if (starts.every((start, index) => index === 0 || start >= (starts[index - 1] ?? 0))) {
    return [starts, ends];
  }
  const order = Uint32Array.from(starts.keys()).sort((a, b) => (starts[a] ?? 0) - (starts[b] ?? 0));
  const inOrder = (numbers: Float64Array): Float64Array =>
    Float64Array.from(order, (index) => numbers[index] ?? 0);
  return [inOrder(starts), inOrder(ends)];
}

/** A list of numbers that takes eight octets for each. */
class Numbers {
  #numbers = new Float64Array(FIRST_NUMBERS);
  #length = 0;

  get all(): Float64Array {
    return this.#numbers.subarray(0, this.#length);
  }

  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const larger = new Float64Array(this.#length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#length++] = number;
  }
}
