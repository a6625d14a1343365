/**
 * The program killed at each kind of step once, two to a case: resumed after the first, killed at the second, resumed again.
 * Every step and many more pairs: `npm run test:crash`.
 */
import { beforeAll, expect, it } from 'vitest';
import { FAILPOINTS } from '../../src/errors/failpoint.ts';
import { seededRandom } from '../support/random.ts';
import type { EndState } from './crash-bed.ts';
import { at, runCases, runUndisturbed, tellFigures } from './crash-cases.ts';
import { refetchUndisturbed, runRefetchCases } from './refetch-cases.ts';

/** Only a run that mends what a crash left comes here, so each is the second of a pair. */
const MENDING: Readonly<Record<string, string>> = {
  'sink.maildir.claimed': 'sink.maildir.renamed:3',
  'sink.mbox.cut': 'sink.mbox.appended:1',
  'sink.s3.upload-ended': 'sink.s3.part-answered:1',
};
/** Passed only where a message fails (test/crash/quarantine.test.ts), or a session breaks (broken-sessions.test.ts). */
const FAILING: readonly string[] = [
  'quarantine.part-written',
  'quarantine.kept',
  'session.broken',
  'pipelining.noted',
];

let expected: EndState;
let refetching: Awaited<ReturnType<typeof refetchUndisturbed>>;
let passed: Readonly<Record<string, number>>;

beforeAll(async () => {
  ({ end: expected, passed } = await runUndisturbed());
}, 60_000);

it('undisturbed runs pass every failpoint, but for those of mending', async () => {
  refetching = await refetchUndisturbed();
  const met = new Set([...Object.keys(passed), ...Object.keys(refetching.passed)]);
  expect([...met].sort()).toEqual(
    Object.keys(FAILPOINTS)
      .filter((name) => !Object.hasOwn(MENDING, name) && !FAILING.includes(name))
      .sort(),
  );
});

it('killed at each kind of step, and again: ends as an undisturbed run does, and one more run changes nothing', async () => {
  const random = seededRandom('sample of crashes');
  const places = Object.keys(FAILPOINTS).filter((name) => Object.hasOwn(passed, name));
  const someOf = (name: string | undefined): string => `${name}:${1 + random(passed[name ?? ''] ?? 1)}`;
  // An early step first, then a late one: what comes late is still to be done after the first death.
  const early = places.slice(0, Math.ceil(places.length / 2));
  const pairs = early.map((name, index) => at(someOf(name), someOf(places.at(-1 - index))));
  const mending = Object.entries(MENDING).map(([second, first]) => at(first, `${second}:1`));
  const figures = await runCases([...pairs, ...mending], expected);
  tellFigures('crash sample', figures);
  expect(figures.kills).toBeGreaterThan(pairs.length);
}, 240_000);

it('killed while it fetches again what was lost: all archives come to be whole, and nothing is fetched twice', async () => {
  const places = Object.keys(refetching.passed).filter((name) => name.startsWith('refetch.'));
  const lastOf = (name: string): string => `${name}:${refetching.passed[name]}`;
  expect(await runRefetchCases(places.map(lastOf), refetching.end)).toBe(places.length);
}, 120_000);
