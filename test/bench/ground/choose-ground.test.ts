import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseGround } from './choose-ground.ts';
import { roomFor } from './room.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-ground-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const journaled = {
  description: 'ext4 with a journal',
  open: () => ({ path: 'mounted', [Symbol.dispose]: () => undefined }),
};
const cannot = () => {
  throw new Error('mount: permission denied');
};

describe('what the stores stand on', () => {
  it('is journaled where that is possible', () => {
    const { ground, advice } = chooseGround(undefined, folder, () => journaled);
    expect([ground, advice]).toEqual([journaled, undefined]);
  });

  it('is taken as it is elsewhere, with a line that says why', () => {
    const { ground, advice } = chooseGround(undefined, folder, cannot);
    expect(ground.description).toMatch(/, as it was found$/);
    expect(advice).toBe('the file system is taken as it is: mount: permission denied');
  });

  it('is nothing else where it must be journaled', () => {
    expect(() => chooseGround('journaled', folder, cannot)).toThrow('mount: permission denied');
  });

  it('is a new folder each time where it shall be as it is', () => {
    const { ground, advice } = chooseGround('as-is', folder, () => journaled);
    const room = roomFor([], 'mbox');
    using first = ground.open(room);
    writeFileSync(join(first.path, 'target'), 'mail');
    using second = ground.open(room);
    expect(second.path).not.toBe(first.path);
    expect(advice).toBeUndefined();
  });
});
