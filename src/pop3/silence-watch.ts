/**
 * The deadline of what a session waits for right now. It moves with each answer; the timer behind it does not, and looks at it when
 * it rings, since moving a timer costs as much as reading an answer. It must not know what the answers say.
 */
import { ConnectionError } from './errors.ts';

/**
 * What is waited for: nothing; the first line of an answer, which must be whole in time, so that a server cannot hold the session
 * by one octet now and then; the rest of a body, which may take as long as it goes on.
 */
export type Phase = 'quiet' | 'status line' | 'body';

/** The answer that is waited for. */
export interface Awaited {
  readonly command: { readonly shown: string };
  /** Longest wait for its first line, where it is not the session's. */
  readonly firstOctetMs?: number;
}

export interface SilenceLimits {
  /** Longest silence in the middle of a body. */
  readonly idleMs: number;
  /** Longest wait for the first line of an answer. */
  readonly firstOctetMs: number;
}

export class SilenceWatch {
  readonly #limits: SilenceLimits;
  readonly #onSilence: (cause: ConnectionError) => void;
  #phase: Phase = 'quiet';
  #awaited: Awaited | undefined;
  /** How long it is waited for. */
  #ms = 0;
  /** On the clock of `performance.now`. */
  #deadline = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #ringsAt = Number.POSITIVE_INFINITY;

  constructor(limits: SilenceLimits, onSilence: (cause: ConnectionError) => void) {
    this.#limits = limits;
    this.#onSilence = onSilence;
  }

  /** Says what is waited for now. Called again for the same body it begins anew; for the same status line it does not. */
  expect(phase: Phase, awaited: Awaited | undefined): void {
    if (phase === this.#phase && awaited === this.#awaited && phase !== 'body') {
      return;
    }
    this.#phase = phase;
    this.#awaited = awaited;
    if (phase === 'quiet' || awaited === undefined) {
      this.#deadline = Number.POSITIVE_INFINITY;
      return;
    }
    const { firstOctetMs, idleMs } = this.#limits;
    this.#ms = phase === 'body' ? idleMs : (awaited.firstOctetMs ?? firstOctetMs);
    this.#deadline = performance.now() + this.#ms;
    if (this.#deadline < this.#ringsAt) {
      this.#ringIn(this.#ms);
    }
  }

  /** Nothing is waited for any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#ringsAt = Number.POSITIVE_INFINITY;
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  #ringIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#ringsAt = performance.now() + ms;
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    this.#ringsAt = Number.POSITIVE_INFINITY;
    const left = this.#deadline - performance.now();
    if (left > 0) {
      if (Number.isFinite(left)) {
        this.#ringIn(left);
      }
    } else if (this.#phase !== 'quiet' && this.#awaited !== undefined) {
      this.#onSilence(silence(this.#phase, this.#awaited, this.#ms));
    }
  }
}

function silence(phase: Exclude<Phase, 'quiet'>, { command }: Awaited, ms: number): ConnectionError {
  const asked = command.shown === '' ? 'the greeting' : `the answer to ${command.shown}`;
  const where = phase === 'body' ? `in the middle of ${asked}` : `waiting for ${asked}`;
  return new ConnectionError(`the server was silent for ${ms} ms, ${where}`, { failure: 'silent' });
}
