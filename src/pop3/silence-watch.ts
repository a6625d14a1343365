/**
 * The deadline of what a session waits for right now: one timer, moved as the session moves. It must not know what the answers say.
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
  #timer: NodeJS.Timeout | undefined;
  /** What the timer was set to. */
  #ms = 0;

  constructor(limits: SilenceLimits, onSilence: (cause: ConnectionError) => void) {
    this.#limits = limits;
    this.#onSilence = onSilence;
  }

  /** Says what is waited for now. Called again for the same body it begins anew; for the same status line it does not. */
  expect(phase: Phase, awaited: Awaited | undefined): void {
    if (phase === this.#phase && awaited === this.#awaited && this.#timer !== undefined) {
      if (phase === 'body') {
        this.#timer.refresh();
      }
      return;
    }
    this.#phase = phase;
    this.#awaited = awaited;
    if (phase === 'quiet' || awaited === undefined) {
      this.stop();
      return;
    }
    const { firstOctetMs, idleMs } = this.#limits;
    const ms = phase === 'body' ? idleMs : (awaited.firstOctetMs ?? firstOctetMs);
    if (this.#timer !== undefined && ms === this.#ms) {
      // A fifth of what a new timer costs: over TLS this runs for every 16 KiB.
      this.#timer.refresh();
      return;
    }
    this.stop();
    this.#ms = ms;
    this.#timer = setTimeout(() => this.#tell(), ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(): void {
    if (this.#phase !== 'quiet' && this.#awaited !== undefined) {
      this.#onSilence(silence(this.#phase, this.#awaited, this.#ms));
    }
  }
}

function silence(phase: Exclude<Phase, 'quiet'>, { command }: Awaited, ms: number): ConnectionError {
  const asked = command.shown === '' ? 'the greeting' : `the answer to ${command.shown}`;
  const where = phase === 'body' ? `in the middle of ${asked}` : `waiting for ${asked}`;
  return new ConnectionError(`the server was silent for ${ms} ms, ${where}`, { failure: 'silent' });
}
