/** Many small cases that mostly wait for a process: as many at a time as there are processors. */
import { availableParallelism } from 'node:os';

/** Runs `work` on each item; the first failure ends it once the cases under way have ended. */
export async function inLanes<Item>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !hasFailed; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (thrown) {
        hasFailed = true;
        throw thrown;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: availableParallelism() }, lane));
  for (const { status, ...rest } of lanes) {
    if (status === 'rejected' && 'reason' in rest) {
      throw rest.reason;
    }
  }
}
