/** The command line of the bench. */
import { parseArgs } from 'node:util';
import { CONTENDERS } from './contenders/all.ts';
import { S3_SCENARIO, SCENARIOS, type Scenario } from './scenarios.ts';

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  /** How many messages to put into S3; undefined where that is not wanted. */
  readonly s3Messages: number | undefined;
  readonly contenders: readonly string[];
  readonly runs: number;
}

export const USAGE = `usage: npm run bench -- [--scenario NAME,…] [--contender NAME,…] [--runs N] [--messages N]

Fetches the same mail from a Dovecot of its own with each contender in turn (A B A B …), into a fresh folder below
TMPDIR each time, checks each result by digest and prints a Markdown table.

  --scenario   names or parts of names, separated by commas; default: all
               ${[...SCENARIOS, S3_SCENARIO].map(({ name }) => name).join(', ')}
               (s3-4k: the S3 sink beside a bare loop over the SDK, on a Ceph of its own)
  --contender  default: mailferry,mpop; known: ${[...CONTENDERS.keys()].join(', ')}
  --runs       rounds per scenario; default: 5
  --messages   instead of each scenario's own number
`;

/** Undefined when only the usage is wanted. Throws on a wrong command line. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', multiple: true, default: [''] },
      contender: { type: 'string', multiple: true, default: ['mailferry,mpop'] },
      runs: { type: 'string', default: '5' },
      messages: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const messages = values.messages === undefined ? undefined : positive('--messages', values.messages);
  const wanted = words(values.scenario);
  const scenarios = chooseScenarios(wanted);
  const isS3Wanted = wanted.some((part) => S3_SCENARIO.name.includes(part));
  return {
    s3Messages: isS3Wanted ? (messages ?? S3_SCENARIO.messages) : undefined,
    scenarios: scenarios.map((scenario) => ({ ...scenario, messages: messages ?? scenario.messages })),
    contenders: words(values.contender),
    runs: positive('--runs', values.runs),
  };
}

function chooseScenarios(wanted: readonly string[]): Scenario[] {
  for (const part of wanted) {
    if (![...SCENARIOS, S3_SCENARIO].some(({ name }) => name.includes(part)))
      throw new Error(`no scenario "${part}"`);
  }
  return SCENARIOS.filter((scenario) => wanted.some((part) => scenario.name.includes(part)));
}

function words(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(','));
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new Error(`${option} wants a number from 1, not "${value}"`);
  return number;
}
