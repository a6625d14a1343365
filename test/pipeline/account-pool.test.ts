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
