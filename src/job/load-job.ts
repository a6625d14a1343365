/**
 * A job file becomes a job: read, parse, collect the accounts, normalise, check. Everything that is wrong is told at once.
 * Must not fetch a secret nor open anything that the job names, but for its CSV files.
 */
import { dirname, resolve } from 'node:path';
import { collectAccounts } from './collect-accounts.ts';
import type { Job, JobProblem } from './job.ts';
import type { DraftAccount, JobDraft } from './job-draft.ts';
import {
  defineAccount,
  defineDeletion,
  defineLimits,
  defineSelect,
  defineSink,
  defineStatePath,
  mergeAccount,
} from './normalise.ts';
import { type JobParts, parseJob } from './parse-job.ts';
import { inReadingOrder, JobError, type Path, type Place, pathText } from './problems.ts';
import { type ReadDocument, readDocument } from './read-document.ts';
import { readTextFile } from './read-text.ts';
import { checkRules, findWarnings } from './rules.ts';
import type { RawSink } from './schema.ts';
import { sinkPlacesOf } from './sink-places.ts';

const MAX_JOB_OCTETS = 16 * 1024 * 1024;

/**
 * Loads a job definition, YAML or JSON. Relative paths in it, and in its CSV files, are relative to its folder.
 * @param file as the user names it; problems name it so too.
 * @throws JobError with every problem found.
 */
export async function loadJob(file: string): Promise<Job> {
  const document = await readJobDocument(file);
  const placeOf = (path: Path): Place => ({ file, line: document.lineOf(path), path: pathText(path) });
  const { parts, problems: shapeProblems } = parseJob(document.data, placeOf);
  const { entries, problems: accountProblems } = await collectAccounts(parts.entries, file, placeOf);

  const folder = dirname(resolve(file));
  const accounts = entries.map((entry): DraftAccount => {
    const keys = mergeAccount(entry, parts.defaults);
    return { keys, own: entry.keys, definition: defineAccount(keys, folder), placeOf: entry.placeOf };
  });
  const draft = draftOf(parts, accounts, folder, placeOf, document);
  const problems = [...shapeProblems, ...accountProblems, ...checkRules(draft)];
  return jobOf(file, parts.name, draft, problems);
}

async function readJobDocument(file: string): Promise<ReadDocument> {
  const read = await readTextFile(file, MAX_JOB_OCTETS);
  if (read.kind === 'unreadable') {
    throw new JobError(file, [{ file, line: undefined, path: '', text: `the job file ${read.text}` }]);
  }
  const document = readDocument(read.text);
  if (document.faults.length > 0) {
    const problems = document.faults.map(({ line, text }) => ({ file, line, path: '', text }));
    throw new JobError(file, problems);
  }
  return document;
}

function draftOf(
  parts: JobParts,
  accounts: readonly DraftAccount[],
  folder: string,
  placeOf: (path: Path) => Place,
  document: ReadDocument,
): JobDraft {
  const sinks = parts.sinks.map(({ index, item }) => ({
    definition: defineSink(item, folder),
    written: item.maildir ?? item.mbox ?? '',
    place: placeOf(['sinks', index, kindOf(item)]),
  }));
  return {
    defaults: parts.defaults,
    statePath: parts.name === undefined ? undefined : defineStatePath(parts.state, parts.name, folder),
    accounts,
    sinks,
    places: sinkPlacesOf(sinks, accounts),
    select: parts.select === undefined ? undefined : defineSelect(parts.select),
    limits: parts.limits === undefined ? undefined : defineLimits(parts.limits),
    verify: parts.verify,
    deletion: parts.delete === undefined ? undefined : defineDeletion(parts.delete, parts.keep),
    placeOf,
    isWritten: (path) => document.has(path),
  };
}

function kindOf(sink: RawSink): 'maildir' | 'mbox' | 's3' {
  if (sink.s3 !== undefined) {
    return 's3';
  }
  return sink.maildir === undefined ? 'mbox' : 'maildir';
}

/** The draft as a job. @throws JobError where there are problems; a part that is missing has always been reported as one. */
function jobOf(
  file: string,
  name: string | undefined,
  draft: JobDraft,
  problems: readonly JobProblem[],
): Job {
  const { statePath, select, limits, deletion, verify } = draft;
  const accounts = draft.accounts.flatMap(({ definition }) => definition ?? []);
  if (
    problems.length > 0 ||
    name === undefined ||
    statePath === undefined ||
    select === undefined ||
    limits === undefined
  ) {
    throw new JobError(file, inReadingOrder(problems, file));
  }
  return {
    name,
    file,
    statePath,
    accounts,
    sinks: draft.sinks.map(({ definition }) => definition),
    select,
    isReadingBack: deletion !== undefined || verify === 'readback',
    deletion,
    limits,
    warnings: inReadingOrder(findWarnings(draft), file),
  };
}
