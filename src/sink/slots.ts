/**
 * A bounded number of things at the same time; who comes late waits in line. One is shared by all archives of a sink, so
 * that many accounts together do not open more connections than the store likes.
 */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

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

  /** @returns what gives the slot back; to be called once. */
  async take(): Promise<() => void> {
    if (this.#free > 0) {
      this.#free--;
    } else {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#free++;
      } else {
        next();
      }
    };
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
