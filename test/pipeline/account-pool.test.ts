import { expect, it } from 'vitest';
import { runInPool } from '../../src/pipeline/account-pool.ts';

const item = (name: string): { name: string; host: string } => ({ name, host: name });

it('where one item fails, waits for those that are at work, begins no other, and throws what failed', async () => {
  const begun: string[] = [];
  const ended: string[] = [];
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const run = runInPool(
    ['slow', 'broken', 'next'].map(item),
    { accounts: 2, perHost: 1 },
    async ({ name }) => {
      begun.push(name);
      if (name === 'broken') {
        // The pool has heard of the failure by the time the slow one goes on.
        setImmediate(() => setImmediate(letGo));
        throw new Error('the ledger cannot be written');
      }
      await held;
      ended.push(name);
    },
  );
  await expect(run).rejects.toThrow('the ledger cannot be written');
  expect({ begun, ended }).toEqual({ begun: ['slow', 'broken'], ended: ['slow'] });
});

/** Settled from outside. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

it('Q41: an account that waits gives its places to others, and goes on ahead of those that were not begun', async () => {
  const order: string[] = [];
  const locked = gate();
  const items = ['one', 'two', 'three'].map((name) => ({ name, host: 'same' }));
  await runInPool(items, { accounts: 1, perHost: 1 }, async ({ name }, place) => {
    order.push(`${name} begins`);
    if (name === 'one') {
      await place.stepAside('account', () => locked.passed);
    }
    if (name === 'two') {
      locked.open();
      // What waits queues again while this one is still at work.
      await new Promise((resolve) => setImmediate(resolve));
    }
    order.push(`${name} ends`);
  });
  expect(order).toEqual(['one begins', 'two begins', 'two ends', 'one ends', 'three begins', 'three ends']);
});

it('Q45: a host that waits keeps its own place, and gives the one among all to other hosts', async () => {
  const order: string[] = [];
  const others = gate();
  const items = [
    { name: 'one', host: 'slow' },
    { name: 'two', host: 'SLOW' },
    { name: 'three', host: 'other' },
  ];
  await runInPool(items, { accounts: 1, perHost: 1 }, async ({ name, host }, place) => {
    order.push(name);
    if (name === 'one') {
      await place.stepAside('host', () => others.passed);
    }
    if (host === 'other') {
      others.open();
    }
  });
  expect(order).toEqual(['one', 'three', 'two']);
});

it('never has more at work than there are places, however often accounts step aside', async () => {
  const items = Array.from({ length: 60 }, (_, index) => ({ host: `host${index % 3}` }));
  const atWork = new Map<string, number>();
  let peak = 0;
  const count = (host: string, by: 1 | -1): void => {
    atWork.set(host, (atWork.get(host) ?? 0) + by);
    const all = [...atWork.values()].reduce((sum, now) => sum + now, 0);
    peak = Math.max(peak, all, ...[...atWork.values()].map((now) => 2 * now));
  };
  await runInPool(items, { accounts: 4, perHost: 2 }, async ({ host }, place) => {
    for (const scope of ['account', 'host', 'account'] as const) {
      count(host, 1);
      await new Promise((resolve) => setImmediate(resolve));
      count(host, -1);
      await place.stepAside(scope, () => new Promise((resolve) => setImmediate(resolve)));
    }
  });
  expect(peak).toBe(4);
});

it('an account whose wait fails ends without a place, and the others go on', async () => {
  const items = [1, 2, 3].map((number) => ({ number, host: 'same' }));
  const ended: number[] = [];
  await runInPool(items, { accounts: 1, perHost: 1 }, async ({ number }, place) => {
    await place.stepAside('account', () => Promise.reject(new Error('stopped'))).catch(() => undefined);
    ended.push(number);
  });
  expect(ended).toEqual([1, 2, 3]);
});
