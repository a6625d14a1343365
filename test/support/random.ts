/** Numbers that look random and are the same in every run with the same seed, so that a failure can be repeated. */
import { createHash } from 'node:crypto';

/** Gives a function that gives whole numbers from 0 up to, not including, its limit. */
export function seededRandom(seed: string): (limit: number) => number {
  let drawn = 0;
  return (limit) => {
    drawn += 1;
    const digest = createHash('sha256').update(`${seed} ${drawn}`).digest();
    return Math.floor((digest.readUInt32BE() / 2 ** 32) * limit);
  };
}
