/** One scenario as a Markdown section. Pure. */
import { COMPLETE } from '../mail/completeness.ts';
import type { Failure, Measurement, ScenarioResult } from '../result.ts';
import { judgementOf } from '../scenarios/judgements.ts';
import { largest, median, speedRatios } from './statistics.ts';
import { decimal, markdownTable, withRange } from './table.ts';

const OCTETS_PER_MEGABYTE = 1e6;
const MS_PER_SECOND = 1000;

interface Column {
  readonly head: string;
  /** `own` are all runs of the contender whose row it is. */
  readonly cell: (own: readonly Measurement[], name: string) => string;
  readonly isShown: boolean;
}

export function scenarioSection(result: ScenarioResult): string {
  const names = [...new Set(result.rounds.flat().map(({ contender }) => contender))];
  const columns = columnsOf(result).filter(({ isShown }) => isShown);
  const rows = names.map((name) => {
    const own = result.rounds.flat().filter(({ contender }) => contender === name);
    return [name, ...columns.map(({ cell }) => cell(own, name))];
  });
  const notes = [...result.notes, ...describeFailures(result.failures)];
  return [
    `### ${result.title}\n`,
    `${describeAmount(result)}\n`,
    markdownTable(['contender', ...columns.map(({ head }) => head)], rows),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${note}`)]),
  ].join('\n');
}

/** Each contender once, with the last of its reasons. */
function describeFailures(failures: readonly Failure[]): string[] {
  const contenders = [...new Set(failures.map(({ contender }) => contender))];
  return contenders.map((name) => {
    const own = failures.filter(({ contender }) => contender === name);
    const times = own.length === 1 ? '' : ` ${own.length} times`;
    return `${name} failed${times}: ${own.at(-1)?.reason}`;
  });
}

function describeAmount({ scenario, messages, octets, rounds, checkout }: ScenarioResult): string {
  const amount =
    messages === 0
      ? []
      : [`${decimal(messages, 0)} messages`, `${decimal(octets / OCTETS_PER_MEGABYTE, 0)} MB`];
  return `${[...amount, `${rounds.length} rounds`, `commit ${checkout}`].join(', ')}; \`--scenario ${scenario}\`.`;
}

function columnsOf(result: ScenarioResult): Column[] {
  return [
    { head: 'runs', isShown: true, cell: (own) => String(own.length) },
    ...speedColumns(result),
    ...costColumns(result.rounds.flat()),
    ratioColumn(result),
    {
      head: 'complete',
      isShown: result.rounds.flat().some(({ completeness }) => completeness !== undefined),
      cell: (own) => describeAll(own.flatMap(({ completeness }) => completeness ?? [])),
    },
  ];
}

/** Without messages it is the program itself that is measured, in milliseconds. */
function speedColumns({ scenario, messages, octets, idealSeconds }: ScenarioResult): Column[] {
  const wall = (own: readonly Measurement[]): number[] => own.map(({ wallSeconds }) => wallSeconds);
  const rate = (amount: number, digits: number) => (own: readonly Measurement[]) =>
    decimal(amount / median(wall(own)), digits);
  const inMs = (own: readonly Measurement[]): number[] => wall(own).map((seconds) => seconds * MS_PER_SECOND);
  const aboveIdeal = (own: readonly Measurement[]): number[] =>
    wall(own).map((seconds) => seconds - (idealSeconds ?? 0));
  return [
    { head: 'wall s', isShown: messages > 0, cell: (own) => withRange(wall(own), 2) },
    { head: 'wall ms', isShown: messages === 0, cell: (own) => withRange(inMs(own), 0) },
    { head: 'messages/s', isShown: messages > 0, cell: rate(messages, 0) },
    // A quiet night moves a listing, no mail.
    {
      head: 'MB/s',
      isShown: octets > 0 && scenario !== 'nightly',
      cell: rate(octets / OCTETS_PER_MEGABYTE, 1),
    },
    {
      head: 's above the ideal',
      isShown: idealSeconds !== undefined,
      cell: (own) => withRange(aboveIdeal(own), 2),
    },
  ];
}

function costColumns(all: readonly Measurement[]): Column[] {
  const middle = (values: readonly number[]): string => decimal(median(values), 2);
  const peaks = (own: readonly Measurement[]): number[] =>
    own.flatMap(({ peakMegabytes }) => peakMegabytes ?? []);
  return [
    { head: 'CPU s', isShown: true, cell: (own) => middle(own.map(({ cpuSeconds }) => cpuSeconds)) },
    {
      head: 'server CPU s',
      isShown: all.some(({ serverCpuSeconds }) => serverCpuSeconds > 0),
      cell: (own) => middle(own.map(({ serverCpuSeconds }) => serverCpuSeconds)),
    },
    { head: 'peak MB', isShown: peaks(all).length > 0, cell: (own) => decimal(largest(peaks(own)), 0) },
  ];
}

function ratioColumn({ scenario, rounds }: ScenarioResult): Column {
  const { yardstick } = judgementOf(scenario);
  const [only, ...others] = yardstick;
  return {
    head: `speed against ${others.length === 0 ? only : 'the fastest peer'}`,
    isShown: true,
    cell: (_, name) =>
      others.length === 0 && name === only ? '1' : withRange(speedRatios(rounds, name, yardstick), 2),
  };
}

/** The worst of what was found; a run that stores nothing has nothing to be complete. */
function describeAll(found: readonly string[]): string {
  if (found.length === 0) return '–';
  return found.find((one) => one !== COMPLETE) ?? COMPLETE;
}
