/**
 * How an account waits: told first, without the places that others could use, and no longer than until a signal to stop.
 * Patience says how long it may in all.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import type { Place, WaitScope } from '../account-pool.ts';
import type { AccountSource } from '../context.ts';
import { decidePauseMs } from './backoff.ts';
import type { PaceContext } from './run-pace.ts';

/** What is told about a wait; a failure is one. */
export type WaitReason = Pick<MailferryError, 'code' | 'message'>;

/** How long one thing is waited for, over all its attempts. */
export class Patience {
  readonly #context: Pick<PaceContext, 'patienceMs' | 'random'>;
  #failures = 0;
  #spentMs = 0;

  constructor(context: Pick<PaceContext, 'patienceMs' | 'random'>) {
    this.#context = context;
  }

  get leftMs(): number {
    return Math.max(0, this.#context.patienceMs - this.#spentMs);
  }

  /** After one more failure; 0 where nothing is left. */
  nextPauseMs(): number {
    this.#failures += 1;
    return decidePauseMs(this.#failures, this.#context.random(), this.leftMs);
  }

  spend(waitMs: number): void {
    this.#spentMs += waitMs;
  }
}

export class Waiting {
  readonly #source: AccountSource;
  readonly #context: PaceContext;
  readonly #place: Place;
  #toldUntil: number | undefined;

  constructor(source: AccountSource, context: PaceContext, place: Place) {
    this.#source = source;
    this.#context = context;
    this.#place = place;
  }

  get isStopping(): boolean {
    return this.#context.stopSignal.aborted || this.#context.dropSignal.aborted;
  }

  /** @throws MailferryError `interrupted` at a signal to stop, as all that wait here. */
  async for(scope: WaitScope, reason: WaitReason, waitMs: number): Promise<void> {
    this.tell(reason, this.#context.now() + waitMs);
    await this.sleep(scope, waitMs);
  }

  /** Once for each time: what is tried in vain at short intervals is no news. */
  tell({ code, message }: WaitReason, until: number): void {
    if (until === this.#toldUntil) {
      return;
    }
    this.#toldUntil = until;
    const { id, host } = this.#source;
    this.#context.emit({
      type: 'account.waiting',
      account: id,
      host,
      reason: { code, text: message },
      until,
    });
  }

  sleep(scope: WaitScope, waitMs: number): Promise<void> {
    return this.#aside(scope, () => this.#context.sleep(waitMs, this.#stopping()));
  }

  /** Until what another account does has ended: by itself, though not at once where the run is to stop. */
  until(scope: WaitScope, ending: Promise<void>): Promise<void> {
    return this.#aside(scope, () => {
      const signal = this.#stopping();
      return new Promise<void>((resolve) => {
        const end = (): void => {
          signal.removeEventListener('abort', end);
          resolve();
        };
        signal.addEventListener('abort', end, { once: true });
        void ending.then(end);
      });
    });
  }

  #aside(scope: WaitScope, wait: () => Promise<void>): Promise<void> {
    return this.#place.stepAside(scope, async () => {
      if (!this.isStopping) {
        await wait();
      }
      if (this.isStopping) {
        throw interrupted();
      }
    });
  }

  /** A signal of this wait's own: thousands of waits on one signal would be thousands of listeners on it. */
  #stopping(): AbortSignal {
    const { stopSignal, dropSignal } = this.#context;
    return AbortSignal.any([stopSignal, dropSignal]);
  }
}

function interrupted(): MailferryError {
  return new MailferryError('the run was interrupted while it waited', {
    code: 'interrupted',
    scope: 'account',
    retry: 'now',
  });
}
