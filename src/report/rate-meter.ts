/**
 * How fast it goes now: messages and octets a second over the last ten seconds, from samples of two growing totals.
 */

export interface Rates {
  readonly messagesPerSecond: number;
  readonly octetsPerSecond: number;
}

interface Sample {
  readonly atMs: number;
  readonly messages: number;
  readonly octets: number;
}

const WINDOW_MS = 10_000;
/** Samples nearer than this to the one before are not kept, which bounds their number. */
const SPACING_MS = 500;
/** Over less time than this a rate is noise. */
const LEAST_SPAN_MS = 1_000;

export class RateMeter {
  #samples: Sample[];

  constructor(atMs: number, messages = 0, octets = 0) {
    this.#samples = [{ atMs, messages, octets }];
  }

  /** Takes the totals as they are now and gives the rates; undefined while it is too early to tell. */
  measure(atMs: number, messages: number, octets: number): Rates | undefined {
    const last = this.#samples.at(-1);
    if (last === undefined || atMs < last.atMs) {
      // The clock was set back: begin anew rather than show a negative rate.
      this.#samples = [{ atMs, messages, octets }];
      return undefined;
    }
    if (atMs - last.atMs >= SPACING_MS) {
      this.#samples.push({ atMs, messages, octets });
    }
    this.#forget(atMs);
    const first = this.#samples[0] ?? last;
    const spanMs = atMs - first.atMs;
    if (spanMs < LEAST_SPAN_MS) {
      return undefined;
    }
    return {
      messagesPerSecond: (Math.max(0, messages - first.messages) * 1000) / spanMs,
      octetsPerSecond: (Math.max(0, octets - first.octets) * 1000) / spanMs,
    };
  }

  /** One sample older than the window stays, so that the span reaches back to its edge. */
  #forget(atMs: number): void {
    const young = this.#samples.findIndex((sample) => sample.atMs > atMs - WINDOW_MS);
    if (young > 1) {
      this.#samples.splice(0, young - 1);
    }
  }
}
