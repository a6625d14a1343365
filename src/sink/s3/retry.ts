/**
 * Repeats requests whose outcome is unknown, with back-off and jitter, and those whose credentials have expired with new
 * ones. What is repeated must be safe to repeat: a conditional put is, since its key and octets stay the same.
 */

import { throwIfAborted } from '../sink-error.ts';
import { reactionTo, storeError } from './error.ts';
import { StoreFailure } from './object-store.ts';
import type { S3Clock } from './options.ts';

const MAX_ATTEMPTS = 10;
/** So many are made however long they take. */
const MIN_ATTEMPTS = 3;
const MAX_RENEWALS = 2;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 20_000;

export interface RetryOptions {
  readonly clock: S3Clock;
  readonly patienceMs: number;
  readonly renewCredentials: () => Promise<void>;
}

export class Retry {
  readonly #options: RetryOptions;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /**
   * Runs a request until it succeeds, or fails for good.
   * @param doing completes "cannot …"
   * @throws StoreFailure `exists` or `unsupported` as they are: what they mean only the caller knows.
   * @throws MailferryError for everything else; `sink-interrupted` where the signal was aborted.
   */
  async run<T>(doing: string, request: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, patienceMs } = this.#options;
    const startedAt = clock.now();
    let renewals = 0;
    for (let attempt = 1; ; attempt++) {
      throwIfAborted(signal);
      try {
        return await request();
      } catch (thrown) {
        throwIfAborted(signal);
        const failure = asFailure(thrown);
        const reaction = reactionTo(failure);
        if (reaction === 'exists' || reaction === 'unsupported') {
          throw failure;
        }
        const isRenewal = reaction === 'renew' && renewals < MAX_RENEWALS;
        const waitMs = delayBefore(attempt, clock.random());
        const isLate = attempt >= MIN_ATTEMPTS && clock.now() - startedAt + waitMs > patienceMs;
        if (!isRenewal && (reaction !== 'again' || attempt >= MAX_ATTEMPTS || isLate)) {
          throw storeError(doing, failure);
        }
        if (isRenewal) {
          renewals++;
          await this.#renew(doing);
        }
        await this.#wait(waitMs, signal);
      }
    }
  }

  async #renew(doing: string): Promise<void> {
    try {
      await this.#options.renewCredentials();
    } catch (thrown) {
      throw storeError(doing, asFailure(thrown));
    }
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(ms, signal);
    } catch (thrown) {
      throwIfAborted(signal);
      throw thrown;
    }
  }
}

/** Full jitter: many that failed together do not come back together. */
function delayBefore(attempt: number, random: number): number {
  return random * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
}

/** Anything else that was thrown is a defect, or graded already (a spool file that cannot be read). */
function asFailure(thrown: unknown): StoreFailure {
  if (thrown instanceof StoreFailure) {
    return thrown;
  }
  throw thrown;
}
