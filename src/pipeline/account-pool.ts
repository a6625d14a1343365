/**
 * How many accounts run at the same time: so many in all, and so many on one host. One account is one unit of work, since
 * POP3 locks the maildrop.
 */
import PQueue from 'p-queue';

export interface PoolLimits {
  readonly accounts: number;
  readonly perHost: number;
}

/**
 * Runs `work` for each item, which should settle what concerns its item alone. A rejection ends the whole: no other item is
 * begun, and it is thrown when those at work have ended, so that nothing is used any more that the caller then closes.
 */
export async function runInPool<Item extends { readonly host: string }>(
  items: readonly Item[],
  limits: PoolLimits,
  work: (item: Item) => Promise<void>,
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
    if (failures.length > 0) {
      return;
    }
    try {
      await work(item);
    } catch (thrown) {
      failures.push(thrown);
    }
  };
  // An item first has its turn at its host, then in all: a slow host holds no place that others could use.
  await Promise.all(items.map((item) => queueOf(item.host).add(() => all.add(() => attempt(item)))));
  if (failures.length > 0) {
    throw failures[0];
  }
}
