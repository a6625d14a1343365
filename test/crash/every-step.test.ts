/** The program killed at every step there is; after a sample of them killed again in the run that resumes, all accounts at once. */
import { beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../support/random.ts';
import type { EndState } from './crash-bed.ts';
import { at, type CrashCase, runCases, runUndisturbed, tellFigures } from './crash-cases.ts';

const PAIRS = 60;

let expected: EndState;
let total: number;

beforeAll(async () => {
  const { end, passed } = await runUndisturbed();
  expected = end;
  total = Object.values(passed).reduce((sum, count) => sum + count, 0);
}, 60_000);

it('killed at every step, and again: ends as an undisturbed run does, and one more run changes nothing', async () => {
  const random = seededRandom('pairs of crashes');
  const again = new Set(Array.from({ length: PAIRS }, () => 1 + random(total)));
  const cases = Array.from({ length: total }, (_, index): CrashCase => {
    const first = at(String(index + 1));
    const second = at(String(1 + random(total - index))).map((crash) => ({
      ...crash,
      options: { isAllAtOnce: true },
    }));
    return again.has(index + 1) ? [...first, ...second] : first;
  });
  const figures = await runCases(cases, expected);
  tellFigures('every step', figures);
  // How messages fall into batches is chance, so the last few steps may not be met.
  expect(figures.kills - figures.pairs).toBeGreaterThan(total * 0.95);
  expect(figures.pairs).toBeGreaterThan(again.size / 2);
}, 1_800_000);
