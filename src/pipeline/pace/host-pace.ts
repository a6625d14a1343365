/**
 * How one server (host and port) is faring in this run, for all its accounts. It must not know accounts, sessions or timers.
 *
 * well → failing: an attempt found no server, or no answer. Then one attempt at a time is made, after a pause that grows.
 * failing → well: one attempt came through to the login.
 * failing → given up: so many attempts in a row failed. Nothing more is tried in this run.
 *
 * Well, failing or not, it may be full: an attempt failed while other sessions of ours were open there. Then no more than
 * these are open at once, until many in a row were taken; that is tried with one more, and so on.
 *
 * A login that is not answered is the account's own trouble: mailboxes hang one by one, and if those that do stood first in
 * the job they would keep all others from being archived, run after run.
 *
 * Attempts that ran side by side count once: they say the same thing.
 */
import { MailferryError, type Retry } from '../../errors/mailferry-error.ts';
import { decidePauseMs } from './backoff.ts';

/** Attempts in a row that may fail before a server is given up. */
export const MOST_FAILURES = 5;

/** Sessions that a full server must have taken, for each that it may have at once, before one more is tried. */
const TAKEN_BEFORE_MORE = 4;

/** An attempt that may be made, and the session that it becomes. */
export interface Turn {
  readonly round: number;
}

/** The one attempt by which a failing server is tried. */
interface Probing extends Signal {
  readonly turn: Turn;
}

interface Signal {
  readonly settled: Promise<void>;
  readonly settle: () => void;
}

export type Admission =
  | { readonly kind: 'go'; readonly turn: Turn }
  /** Go after the pause. */
  | { readonly kind: 'probe'; readonly turn: Turn; readonly pauseMs: number; readonly cause: MailferryError }
  /** Another account tries it: ask again when that has come to its end. */
  | { readonly kind: 'wait'; readonly untilSettled: Promise<void>; readonly cause: MailferryError }
  /** It has as many sessions as it takes: ask again when one has ended. */
  | { readonly kind: 'queue'; readonly untilEnded: Promise<void> };

export class HostPace {
  readonly #name: string;
  readonly #patienceMs: number;
  readonly #random: () => number;
  #round = 0;
  #failures = 0;
  #lastCause: MailferryError | undefined;
  #notBefore = 0;
  #pauseMs = 0;
  #waitedMs = 0;
  #givenUp: MailferryError | undefined;
  #probing: Probing | undefined;
  /** Attempts and sessions at this server, and those of them that it has taken. */
  readonly #present = new Set<Turn>();
  readonly #taken = new Set<Turn>();
  #mostPresent = Number.POSITIVE_INFINITY;
  #takenSinceFull = 0;
  #ended = makeSignal();

  constructor(name: string, patienceMs: number, random: () => number) {
    this.#name = name;
    this.#patienceMs = patienceMs;
    this.#random = random;
  }

  get isFailing(): boolean {
    return this.#lastCause !== undefined;
  }

  /** When a failing server is tried again. */
  get notBefore(): number {
    return this.#notBefore;
  }

  /** Whether there is time left to wait for this server. */
  get isWorthWaiting(): boolean {
    return this.#givenUp === undefined && this.#pauseMs > 0;
  }

  /** @throws MailferryError `host-given-up` */
  admit(now: number): Admission {
    if (this.#givenUp !== undefined) {
      throw this.#givenUp;
    }
    const cause = this.#lastCause;
    if (cause !== undefined && this.#probing !== undefined) {
      return { kind: 'wait', untilSettled: this.#probing.settled, cause };
    }
    if (this.#present.size >= this.#mostPresent) {
      return { kind: 'queue', untilEnded: this.#ended.settled };
    }
    const turn = { round: this.#round };
    this.#present.add(turn);
    if (cause === undefined) {
      return { kind: 'go', turn };
    }
    this.#probing = { turn, ...makeSignal() };
    // A clock that was set back must not make the pause longer.
    const pauseMs = Math.min(this.#pauseMs, Math.max(0, this.#notBefore - now));
    return { kind: 'probe', turn, pauseMs, cause };
  }

  /** The server has greeted: it is there. */
  connected(turn: Turn): void {
    this.#round += 1;
    this.#failures = 0;
    this.#waitedMs = 0;
    this.#lastCause = undefined;
    this.#taken.add(turn);
    this.#takenSinceFull += 1;
    if (this.#takenSinceFull > TAKEN_BEFORE_MORE * this.#mostPresent) {
      this.#mostPresent += 1;
      this.#takenSinceFull = 0;
    }
    this.#settle(turn);
  }

  /** @returns whether it failed since the server is full: then the account has to queue, and that costs no patience. */
  failed(turn: Turn, cause: MailferryError, now: number): boolean {
    const isFull = this.#taken.size > 0;
    if (isFull) {
      this.#mostPresent = Math.min(this.#mostPresent, this.#taken.size);
      this.#takenSinceFull = 0;
    } else if (turn.round === this.#round) {
      this.#round += 1;
      this.#failures += 1;
      this.#lastCause = cause;
      this.#pause(now);
      if (this.#failures >= MOST_FAILURES) {
        this.#giveUp(`failed ${MOST_FAILURES} times in a row`, cause, 'later');
      }
    }
    this.#settle(turn);
    return isFull;
  }

  #pause(now: number): void {
    this.#pauseMs = decidePauseMs(this.#failures, this.#random(), this.#patienceMs - this.#waitedMs);
    this.#waitedMs += this.#pauseMs;
    this.#notBefore = now + this.#pauseMs;
  }

  lost(turn: Turn, cause: MailferryError): void {
    this.#giveUp('cannot be used', cause, cause.retry);
    this.#settle(turn);
  }

  /** The attempt is over, or the session that it has become. Safe to call again, and after any of the others. */
  ended(turn: Turn): void {
    this.#settle(turn);
    this.#taken.delete(turn);
    if (this.#present.delete(turn)) {
      this.#ended.settle();
      this.#ended = makeSignal();
    }
  }

  #giveUp(what: string, cause: MailferryError, retry: Retry): void {
    this.#givenUp ??= new MailferryError(
      `${this.#name} ${what} and is not tried again in this run; the last time: ${cause.message}`,
      { code: 'host-given-up', scope: 'account', retry, hint: cause.hint, cause },
    );
  }

  #settle(turn: Turn): void {
    if (this.#probing?.turn === turn) {
      this.#probing.settle();
      this.#probing = undefined;
    }
  }
}

function makeSignal(): Signal {
  let settle = (): void => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { settled, settle };
}
