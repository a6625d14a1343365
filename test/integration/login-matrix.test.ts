/**
 * Each way to log in × each real server that has it: the right secret, a wrong one, tokens that have expired or are revoked in
 * mid-run. What is different about the servers stands in support/logins/rows.ts; what passed becomes the matrix of docs/logins.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { tellFigure } from '../support/figures.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder } from '../support/job-folder.ts';
import { inLanes } from '../support/lanes.ts';
import { gateOf } from '../support/programs.ts';
import { passwordOf } from './support/logins/password-server.ts';
import {
  type FetchedToken,
  LOGIN_TRIALS,
  type LoginRow,
  type LoginServer,
  type LoginTrial,
  userOf,
  waysOf,
} from './support/logins/row.ts';
import { LOGIN_ROWS } from './support/logins/rows.ts';
import { type LoginOutcome, runTrial, type TrialRun } from './support/logins/run-trial.ts';
import { LoginResults, withLoginMatrix } from './support/logins/section.ts';

const MESSAGES = someMessages(3);
const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'logins.md');
const results = new LoginResults();

for (const row of LOGIN_ROWS) {
  row.gate.describe(row.name, () => suite(row));
}

gateOf(LOGIN_ROWS.map(({ gate }) => gate.reason).find((reason) => reason !== undefined)).it(
  'what passed stands in docs/logins.md',
  async () => {
    for (const line of results.figures(LOGIN_ROWS)) tellFigure(line);
    const written = withLoginMatrix(readFileSync(DOCUMENT, 'utf8'), LOGIN_ROWS, results);
    await expect(written, 'write it anew: the command in docs/logins.md').toMatchFileSnapshot(DOCUMENT);
  },
);

/** What the tests of a server judge. It was tried before, beside others: each makes a wrong password wait for seconds. */
interface Tried {
  readonly runs: ReadonlyMap<LoginTrial, TrialRun>;
  readonly tokens: LoginServer['tokens'];
}

const everything = new Map<LoginRow, Promise<Tried>>();

beforeAll(() =>
  inLanes(
    LOGIN_ROWS.filter(({ gate }) => gate.reason === undefined),
    async (row) => {
      const trying = tryAll(row);
      everything.set(row, trying);
      // Its own suite tells what went wrong.
      await trying.catch(() => undefined);
    },
  ),
);

async function tryAll(row: LoginRow): Promise<Tried> {
  await using folder = new JobFolder();
  const users = waysOf(row).map(userOf);
  const server = await row.start(users.map((name) => ({ name, password: passwordOf(name) })));
  try {
    for (const user of users) await server.deliver(user, MESSAGES);
    const runs = row.trials.map(
      async (trial) => [trial, await runTrial(folder, row, server, trial)] as const,
    );
    return { runs: new Map(await Promise.all(runs)), tokens: server.tokens };
  } finally {
    await server.stop();
  }
}

function suite(row: LoginRow): void {
  let tried: Tried;

  beforeAll(async () => {
    tried = (await everything.get(row)) ?? { runs: new Map(), tokens: undefined };
  });

  const outcomeOf = (trial: LoginTrial, way: string): LoginOutcome => {
    const outcome = tried.runs.get(trial)?.outcomes.get(way);
    if (outcome === undefined) throw new Error(`${way} was not tried`);
    return outcome;
  };

  for (const way of waysOf(row)) {
    for (const trial of row.trials) {
      const tries = triesOf(row, way, trial);
      const isRefused = row.refuses?.includes(way) === true;
      const what = isRefused ? 'is announced, and refused whatever the secret is' : LOGIN_TRIALS[trial];
      it(`auth: ${way} ${what} (${trial})`, () =>
        results.part(row, way, trial, async () => {
          const outcome = outcomeOf(trial, way);
          if (isRefused || trial === 'wrong' || trial === 'expired') expectRefused(outcome, tries);
          else if (trial === 'right') expectArchived(outcome, tries);
          else expectRefreshed(outcome, tries, tried.tokens?.(userOf(way), trial) ?? []);
        }));
    }
  }

  it('no secret shows: not in any output, trace, file or argument, in no form', () => {
    for (const trial of row.trials) expect(tried.runs.get(trial)?.leaks, trial).toEqual([]);
  });
}

function triesOf(
  { auto, autoWhenWrong = auto }: LoginRow,
  way: string,
  trial: LoginTrial,
): readonly string[] {
  if (way !== 'auto') return [way];
  return trial === 'wrong' ? autoWhenWrong : auto;
}

function expectArchived(outcome: LoginOutcome, tried: readonly string[]): void {
  const archivedNow = MESSAGES.length;
  expect(outcome).toMatchObject({ outcome: 'done', failure: null, archivedNow, tried });
  expect(outcome.trace).toContain(' C: RETR 3');
}

function expectRefused(outcome: LoginOutcome, tried: readonly string[]): void {
  expect(outcome).toMatchObject({
    outcome: 'failed',
    failure: { code: 'login-refused' },
    hint: expect.stringMatching(/\S/),
    archivedNow: 0,
    tried,
  });
  expect(outcome.trace).not.toContain(' C: RETR');
}

/**
 * Three sessions, four logins and two tokens: one that was good in the first and is refused in the second, and one for the rest of that session and
 * those after it.
 */
function expectRefreshed(
  outcome: LoginOutcome,
  [way = '']: readonly string[],
  tokens: readonly FetchedToken[],
): void {
  expect(outcome).toMatchObject({ outcome: 'done', failure: null, archivedNow: MESSAGES.length });
  expect(outcome.tried).toEqual(Array(MESSAGES.length + 1).fill(way));
  expect(tokens.map(({ questions }) => questions)).toEqual([2, MESSAGES.length - 1]);
}
