/**
 * How fast octets may come, over all sessions that share this: a bucket of tokens that may be overdrawn, so that what came
 * is never refused but paid for by a pause. It says how long to pause; whoever reads does the pausing.
 */

/** What nobody used for so long is gone: after a pause there is no burst. */
const BURST_MS = 100;

/** A shorter pause is not worth a timer; it is paid for together with the next. */
const LEAST_PAUSE_MS = 5;

export class Bandwidth {
  readonly #octetsPerMs: number;
  readonly #now: () => number;
  /** When all that has come is paid for. */
  #paidAt = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds of a clock that nobody sets */
  constructor(octetsPerSecond: number, now: () => number) {
    this.#octetsPerMs = octetsPerSecond / 1000;
    this.#now = now;
  }

  /** Counts octets that came. @returns milliseconds for which their session should read nothing more, 0 for none. */
  take(octets: number): number {
    const now = this.#now();
    this.#paidAt = Math.max(this.#paidAt, now - BURST_MS) + octets / this.#octetsPerMs;
    const pauseMs = Math.ceil(this.#paidAt - now);
    return pauseMs < LEAST_PAUSE_MS ? 0 : pauseMs;
  }
}
