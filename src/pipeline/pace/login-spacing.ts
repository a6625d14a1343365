/** Logins on one host in a minute, evenly spaced, whatever accounts they are of. It must not know timers. */
export class LoginSpacing {
  readonly #intervalMs: number;
  #nextAt = 0;

  /** @param perMinute undefined: as fast as they come */
  constructor(perMinute: number | undefined) {
    this.#intervalMs = perMinute === undefined ? 0 : 60_000 / perMinute;
  }

  /** How long the next login has to wait; 0 where it may be made, and is counted as made. */
  take(now: number): number {
    // A clock that was set back must not make the wait longer.
    const waitMs = Math.ceil(Math.min(this.#intervalMs, Math.max(0, this.#nextAt - now)));
    if (waitMs === 0) {
      this.#nextAt = now + this.#intervalMs;
    }
    return waitMs;
  }
}
