import { describe, expect, it } from 'vitest';
import { type DrainFacts, isDrainWorthwhile } from '../../src/pipeline/decide-drain.ts';

const FACTS: DrainFacts = {
  policy: 'auto',
  listed: 333,
  settledBefore: 328,
  gained: 5,
  deleted: 0,
  isProven: false,
};

const judge = (over: Partial<DrainFacts> = {}): boolean => isDrainWorthwhile({ ...FACTS, ...over });

describe('whether a further login may show more (Q14)', () => {
  it('Q14: is not worth a login on an ordinary night', () => {
    expect(judge()).toBe(false);
    expect(judge({ listed: 5, settledBefore: 0 })).toBe(false);
    expect(judge({ listed: 150, settledBefore: 145 })).toBe(true);
    expect(judge({ listed: 50, settledBefore: 45 })).toBe(false);
  });

  it('Q14: is worth one where the whole of a long listing was new', () => {
    expect(judge({ settledBefore: 0, listed: 217, gained: 217 })).toBe(true);
    expect(judge({ settledBefore: 0, listed: 199, gained: 199 })).toBe(false);
    expect(judge({ settledBefore: 0, listed: 1000, gained: 1000 })).toBe(true);
    expect(judge({ settledBefore: 0, listed: 1001, gained: 1001 })).toBe(false);
    expect(judge({ settledBefore: 0, listed: 10_000, gained: 10_000 })).toBe(false);
  });

  it('Q14: is worth one where deletions may have moved a window of round size', () => {
    expect(judge({ listed: 250, settledBefore: 250, gained: 0, deleted: 3 })).toBe(true);
    expect(judge({ listed: 251, settledBefore: 251, gained: 0, deleted: 3 })).toBe(false);
  });

  it('Q14: is worth one as long as logins bring something new, and never after one that did not', () => {
    expect(judge({ isProven: true })).toBe(true);
    for (const policy of ['auto', 'always', 'never'] as const) {
      expect(judge({ policy, isProven: true, gained: 0, listed: 250 })).toBe(false);
    }
  });

  it('Q14: follows the job where it says always or never', () => {
    expect(judge({ policy: 'always' })).toBe(true);
    expect(judge({ policy: 'never', isProven: true })).toBe(false);
  });
});
