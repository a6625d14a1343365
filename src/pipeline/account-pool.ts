/**
 * How many accounts run at the same time: so many in all, and so many on one host. One account is one unit of work, since
 * POP3 locks the maildrop. What has to wait gives its place back for that time, and queues again ahead of what was not begun.
 */
import PQueue from 'p-queue';

export interface PoolLimits {
  readonly accounts: number;
  readonly perHost: number;
}

/** `account`: nobody else is in its way, so both places are given back. `host`: no account of the host could go on now. */
export type WaitScope = 'account' | 'host';

/** A place at work: one of those on its host, and one of those in all. */
export interface Place {
  /** Waits without the places that others could use, and takes them again. Where `wait` throws they stay given back. */
  stepAside(scope: WaitScope, wait: () => Promise<void>): Promise<void>;
}

/** Given to what runs outside of a pool. */
export const NO_PLACE: Place = { stepAside: (_scope, wait) => wait() };

/**
 * Runs `work` for each item, which should settle what concerns its item alone. A rejection ends the whole: no other item is
 * begun, and it is thrown when those at work have ended, so that nothing is used any more that the caller then closes.
 */
export async function runInPool<Item extends { readonly host: string }>(
  items: readonly Item[],
  limits: PoolLimits,
  work: (item: Item, place: Place) => Promise<void>,
): Promise<void> {
  const all = new PQueue({ concurrency: limits.accounts });
  const hosts = new Map<string, PQueue>();
  const queueOf = (host: string): PQueue => {
    const name = host.toLowerCase();
    const queue = hosts.get(name) ?? new PQueue({ concurrency: limits.perHost });
    hosts.set(name, queue);
    return queue;
  };
  const failures: unknown[] = [];
  const attempt = async (item: Item): Promise<void> => {
    const place = new QueuedPlace(queueOf(item.host), all);
    await place.take(0);
    try {
      if (failures.length === 0) {
        await work(item, place);
      }
    } catch (thrown) {
      failures.push(thrown);
    } finally {
      place.leave();
    }
  };
  await Promise.all(items.map(attempt));
  if (failures.length > 0) {
    throw failures[0];
  }
}

/** Ahead of items that were not begun: what was begun has an end that somebody waits for. */
const AGAIN = 1;

class QueuedPlace implements Place {
  readonly #onHost: Seat;
  readonly #inAll: Seat;

  constructor(host: PQueue, all: PQueue) {
    this.#onHost = new Seat(host);
    this.#inAll = new Seat(all);
  }

  /** First its turn at its host, then in all: a slow host holds no place that others could use. */
  async take(priority: number): Promise<void> {
    await this.#onHost.take(priority);
    await this.#inAll.take(priority);
  }

  leave(): void {
    this.#inAll.leave();
    this.#onHost.leave();
  }

  async stepAside(scope: WaitScope, wait: () => Promise<void>): Promise<void> {
    this.#inAll.leave();
    if (scope === 'account') {
      this.#onHost.leave();
    }
    await wait();
    await this.take(AGAIN);
  }
}

/** One of so many that a queue lets run: taken for as long as the task does not end. */
class Seat {
  readonly #queue: PQueue;
  #leave: (() => void) | undefined;

  constructor(queue: PQueue) {
    this.#queue = queue;
  }

  /** Resolves when it is taken; at once where it is. */
  take(priority: number): Promise<void> {
    return new Promise((taken) => {
      if (this.#leave !== undefined) {
        taken();
        return;
      }
      const sit = () =>
        new Promise<void>((leave) => {
          this.#leave = leave;
          taken();
        });
      void this.#queue.add(sit, { priority });
    });
  }

  leave(): void {
    this.#leave?.();
    this.#leave = undefined;
  }
}
