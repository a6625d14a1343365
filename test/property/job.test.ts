/**
 * Whatever is in the mailboxes, whatever servers do wrong and wherever the program fails: the oracle finds every promise kept.
 * MAILFERRY_PROPERTY_RUNS tries more lives than the suite has time for; MAILFERRY_PROPERTY_SEED tries others.
 */
import { env } from 'node:process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { tellFigure } from '../support/figures.ts';
import { FOUND } from './found.ts';
import { DELETE_ALL, live } from './live.ts';
import { life } from './model.ts';

const RUNS = Number(env['MAILFERRY_PROPERTY_RUNS'] ?? 120);
const SEED = Number(env['MAILFERRY_PROPERTY_SEED'] ?? 20261121);
/** About where an undisturbed run of three messages ends. */
const LAST_STEP = 80;
/** A life costs some 100 ms; a slow machine tries fewer of them. */
const PATIENCE_MS = RUNS > 120 ? Number.POSITIVE_INFINITY : 15_000;

it.each(FOUND)('found before: $name', async ({ life: found }) => {
  expect(await live(found)).toEqual([]);
});

it('a job that fails at each step in turn keeps every promise', async () => {
  const mail = [1, 2, 4].map((text) => ({ text, uidl: undefined }));
  const run = { before: [], faults: [], stopsAt: undefined, isRetrying: false, rules: DELETE_ALL };
  const rest = { mail, pipeline: 64, batch: 2, attempts: 3, hasUidl: true };
  for (let failsAt = 10; failsAt <= LAST_STEP; failsAt += 1) {
    const violations = await live({ ...rest, runs: [{ ...run, failsAt }] });
    expect({ failsAt, violations }).toEqual({ failsAt, violations: [] });
  }
}, 60_000);

it('RFC-51, RFC-64: random lives keep every promise', async () => {
  let lives = 0;
  const property = fc.asyncProperty(life, async (model) => {
    lives += 1;
    expect(await live(model)).toEqual([]);
  });
  await fc.assert(property, {
    seed: SEED,
    numRuns: RUNS,
    ...(Number.isFinite(PATIENCE_MS) && { interruptAfterTimeLimit: PATIENCE_MS }),
  });
  tellFigure(`property: ${lives} random lives of a job, seed ${SEED}, and ${FOUND.length} found before`);
}, 3_600_000);
