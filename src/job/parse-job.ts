/**
 * From plain data to typed parts: runs the schema over a document. Where it finds something wrong, the parts that are right
 * are kept, so that the rules across keys can report theirs in the same breath. Must not read files.
 */
import type { JobProblem } from './job.ts';
import type { Path, Place } from './problems.ts';
import {
  type Checked,
  checkAccountEntry,
  checkDefaults,
  checkDelete,
  checkJob,
  checkKeep,
  checkLimits,
  checkName,
  checkSelect,
  checkSink,
  type RawAccountEntry,
  type RawDefaults,
  type RawDelete,
  type RawJob,
  type RawKeep,
  type RawLimits,
  type RawSelect,
  type RawSink,
} from './schema.ts';
import { shapeProblems } from './shape-problems.ts';

/** An item of a list and its position there; items that are wrong are left out. */
export interface Indexed<T> {
  readonly index: number;
  readonly item: T;
}

/** What is right in a document; undefined where a part is missing or wrong. */
export interface JobParts {
  readonly name: string | undefined;
  readonly state: string | undefined;
  readonly entries: readonly Indexed<RawAccountEntry>[];
  readonly defaults: RawDefaults;
  readonly sinks: readonly Indexed<RawSink>[];
  readonly select: RawSelect | undefined;
  readonly limits: RawLimits | undefined;
  readonly verify: RawJob['verify'];
  readonly delete: RawDelete | undefined;
  readonly keep: RawKeep | undefined;
}

export interface ParsedJob {
  readonly parts: JobParts;
  readonly problems: readonly JobProblem[];
}

export function parseJob(data: unknown, placeOf: (path: Path) => Place): ParsedJob {
  const { value, issues } = checkJob(data);
  return value === undefined
    ? { parts: partsThatAreRight(data), problems: shapeProblems(issues, data, [], placeOf) }
    : { parts: partsOf(value), problems: [] };
}

function partsOf(job: RawJob): JobParts {
  const { accounts, sinks, ...parts } = job;
  const indexed = <T>(items: readonly T[]): Indexed<T>[] => items.map((item, index) => ({ index, item }));
  const { name, state, defaults, select, limits, verify, keep } = parts;
  const entries = indexed(accounts);
  return {
    name,
    state,
    defaults,
    select,
    limits,
    verify,
    delete: parts.delete,
    keep,
    entries,
    sinks: indexed(sinks),
  };
}

function partsThatAreRight(data: unknown): JobParts {
  const part = (key: string): unknown =>
    typeof data === 'object' && data !== null ? Object.getOwnPropertyDescriptor(data, key)?.value : undefined;
  const state = part('state');
  return {
    name: checkName(part('name')).value,
    state: typeof state === 'string' ? state : undefined,
    entries: itemsThatAreRight(part('accounts'), checkAccountEntry),
    defaults: checkDefaults(part('defaults') ?? {}).value ?? {},
    sinks: itemsThatAreRight(part('sinks'), checkSink),
    select: checkSelect(part('select') ?? {}).value,
    limits: checkLimits(part('limits') ?? {}).value,
    verify: part('verify') === 'none' ? 'none' : undefined,
    delete: optionalPart(part('delete'), checkDelete),
    keep: optionalPart(part('keep'), checkKeep),
  };
}

function optionalPart<T>(data: unknown, check: (data: unknown) => Checked<T>): T | undefined {
  return data === undefined ? undefined : check(data).value;
}

function itemsThatAreRight<T>(list: unknown, check: (data: unknown) => Checked<T>): Indexed<T>[] {
  if (!Array.isArray(list)) {
    return [];
  }
  return list.flatMap((data, index) => {
    const { value } = check(data);
    return value === undefined ? [] : [{ index, item: value }];
  });
}
