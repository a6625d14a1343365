/** The command line of the bench. */
import { parseArgs } from 'node:util';
import { FILE_SYSTEMS, type FileSystem } from './ground/choose-ground.ts';
import { SCALES } from './scale/all.ts';
import type { Scale } from './scale/scale.ts';
import { allScenarios } from './scenarios/all.ts';
import type { Amounts, Scenario } from './scenarios/scenario.ts';

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  readonly scales: readonly Scale[];
  /** Undefined: all that are installed. */
  readonly contenders: readonly string[] | undefined;
  /** What the stores stand on; undefined: journaled where that is possible. */
  readonly fileSystem: FileSystem | undefined;
  readonly rounds: number;
  readonly patienceSeconds: number;
  /** Where raw results are kept. */
  readonly resultPath: string | undefined;
  /** Raw results to draw instead of measuring. */
  readonly fromPath: string | undefined;
  readonly writesDocument: boolean;
}

const DEFAULT_ROUNDS = '5';
const DEFAULT_PATIENCE = '20';

const OPTIONS = {
  scenario: { type: 'string', multiple: true },
  scale: { type: 'string', multiple: true },
  max: { type: 'string' },
  contender: { type: 'string', multiple: true },
  'file-system': { type: 'string' },
  runs: { type: 'string', default: DEFAULT_ROUNDS },
  patience: { type: 'string', default: DEFAULT_PATIENCE },
  messages: { type: 'string' },
  accounts: { type: 'string' },
  json: { type: 'string' },
  from: { type: 'string' },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** Undefined when only the usage is wanted. Throws on a wrong command line. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help) return undefined;
  const amounts = {
    messages: optionalNumber('--messages', values.messages),
    accounts: optionalNumber('--accounts', values.accounts),
  };
  const [scenario, scale] = [words(values.scenario), words(values.scale)];
  const isAll = scenario === undefined && scale === undefined;
  const largest = optionalNumber('--max', values.max);
  return {
    scenarios: isAll ? allScenarios(amounts) : chooseScenarios(scenario ?? [], amounts),
    scales: chooseScales(isAll ? Object.keys(SCALES) : (scale ?? []), largest),
    contenders: words(values.contender),
    fileSystem: chooseFileSystem(values['file-system']),
    rounds: number('--runs', values.runs),
    patienceSeconds: number('--patience', values.patience),
    resultPath: values.json,
    fromPath: values.from,
    writesDocument: values.write,
  };
}

function chooseScenarios(wanted: readonly string[], amounts: Amounts): readonly Scenario[] {
  const all = allScenarios(amounts);
  for (const part of wanted) {
    if (!all.some(({ name }) => name.includes(part))) throw new Error(`no scenario "${part}"`);
  }
  return all.filter(({ name }) => wanted.some((part) => name.includes(part)));
}

function chooseScales(wanted: readonly string[], largest: number | undefined): readonly Scale[] {
  const known = Object.entries(SCALES);
  for (const word of wanted) {
    if (!known.some(([name]) => name === word))
      throw new Error(`no scale "${word}"; known: ${Object.keys(SCALES).join(', ')}`);
  }
  return known.filter(([name]) => wanted.includes(name)).map(([, open]) => open(largest));
}

function chooseFileSystem(word: string | undefined): FileSystem | undefined {
  const known = FILE_SYSTEMS.find((name) => name === word);
  if (known !== word) throw new Error(`--file-system wants ${FILE_SYSTEMS.join(' or ')}, not "${word}"`);
  return known;
}

function words(values: readonly string[] | undefined): string[] | undefined {
  return values?.flatMap((value) => value.split(','));
}

function optionalNumber(option: string, value: string | undefined): number | undefined {
  return value === undefined ? undefined : number(option, value);
}

function number(option: string, value: string): number {
  const parsed = Number(value);
  if (!Number.isSafeInteger(parsed) || parsed < 1)
    throw new Error(`${option} wants a number from 1, not "${value}"`);
  return parsed;
}
