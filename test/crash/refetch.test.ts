/** Fetching again what sinks have lost, killed at every step there is. */
import { expect, it } from 'vitest';
import { tellFigure } from '../support/figures.ts';
import { refetchUndisturbed, runRefetchCases } from './refetch-cases.ts';

it('killed at every step: all archives come to be whole, damaged copies are kept, and nothing is fetched twice', async () => {
  const { end, passed } = await refetchUndisturbed();
  const total = Object.values(passed).reduce((sum, count) => sum + count, 0);
  const kills = await runRefetchCases(
    Array.from({ length: total }, (_, index) => String(index + 1)),
    end,
  );
  tellFigure(`refetching: ${kills} kills in ${total} cases`);
  expect(kills).toBeGreaterThan(total * 0.9);
}, 600_000);
