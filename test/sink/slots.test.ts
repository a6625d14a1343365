import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Slots } from '../../src/sink/slots.ts';

describe('Slots', () => {
  it('admits as many as there are slots for, and the others in the order in which they came', async () => {
    const slots = new Slots(5);
    const admitted: string[] = [];
    const take = async (name: string, count: number): Promise<() => void> => {
      const release = await slots.take(count);
      admitted.push(name);
      return release;
    };
    const first = take('three', 3);
    const second = take('two', 2);
    const third = take('four', 4);
    const fourth = take('one', 1);
    await nextTurn();
    expect(admitted).toEqual(['three', 'two']);
    (await second)();
    await nextTurn();
    // There would be room for one, but the four came first.
    expect(admitted).toEqual(['three', 'two']);
    (await first)();
    await nextTurn();
    expect(admitted).toEqual(['three', 'two', 'four', 'one']);
    (await third)();
    (await fourth)();
    (await take('five', 5))();
    expect(admitted.at(-1)).toBe('five');
  });

  it('gives slots back where a task fails', async () => {
    const slots = new Slots(1);
    await expect(slots.run(() => Promise.reject(new Error('full')))).rejects.toThrow('full');
    expect(await slots.run(() => Promise.resolve('next'))).toBe('next');
  });
});
