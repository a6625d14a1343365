/** The program killed at every step there is, at seeded pairs of steps, and with all accounts at once. */
import { beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../support/random.ts';
import type { EndState } from './crash-bed.ts';
import { at, runCases, runUndisturbed, tellFigures } from './crash-cases.ts';

const PAIRS = 60;

let expected: EndState;
let total: number;

beforeAll(async () => {
  const { end, passed } = await runUndisturbed();
  expected = end;
  total = Object.values(passed).reduce((sum, count) => sum + count, 0);
}, 60_000);

it('killed at every step: ends as an undisturbed run does, and one more run changes nothing', async () => {
  const figures = await runCases(
    Array.from({ length: total }, (_, index) => at(String(index + 1))),
    expected,
  );
  tellFigures('every step', figures);
  // How messages fall into batches is chance, so the last few steps may not be met.
  expect(figures.kills).toBeGreaterThan(total * 0.95);
}, 1_800_000);

it('killed at pairs of steps, all accounts at once: the same', async () => {
  const random = seededRandom('pairs of crashes');
  const pairs = Array.from({ length: PAIRS }, () => at(String(1 + random(total)), String(1 + random(total))));
  const figures = await runCases(pairs, expected, 3);
  tellFigures('pairs of steps', figures);
  expect(figures.pairs).toBeGreaterThan(PAIRS / 4);
}, 1_800_000);
