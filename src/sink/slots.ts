/**
 * A bounded number of things at the same time; who comes late waits in line. One is shared by all archives of a sink, so
 * that many accounts together do not open more connections than the store likes.
 */
export class Slots {
  #free: number;
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    const release = await this.take();
    try {
      return await task();
    } finally {
      release();
    }
  }

  /**
   * @param count how many slots, no more than there are
   * @returns what gives them back; to be called once
   */
  async take(count = 1): Promise<() => void> {
    if (this.#waiting.length === 0 && this.#free >= count) {
      this.#free -= count;
    } else {
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    }
    return () => {
      this.#free += count;
      this.#admit();
    };
  }

  /** In the order in which they came: nobody who wants many waits for ever behind those who want few. */
  #admit(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#free >= next.count;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#free -= next.count;
      next.resolve();
    }
  }
}

/** Runs a task for each item, at most `width` at the same time, and waits for all. @throws what the first failure threw. */
export async function forEachOf<T>(
  items: readonly T[],
  width: number,
  task: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const entries = items.entries();
  let failure: { readonly thrown: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (const [index, item] of entries) {
      if (failure !== undefined) {
        return;
      }
      try {
        await task(item, index);
      } catch (thrown) {
        failure ??= { thrown };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work));
  if (failure !== undefined) {
    throw failure.thrown;
  }
}
