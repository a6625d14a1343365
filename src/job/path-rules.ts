/**
 * The rules about where sinks and state are on the disk: two that write to one place destroy each other's work. They look at
 * the paths as they come out for each account. Pure: what links and mounts make of a path shows only when it is opened.
 */
import type { JobProblem } from './job.ts';
import type { DraftSink, JobDraft, SinkPlace } from './job-draft.ts';
import { longestComponentOctets, templateFaults } from './placeholders.ts';
import { quoted } from './problems.ts';
import { foldPath } from './sink-places.ts';

/** File systems allow 255; temporary names and locks add some to it. */
const MAX_COMPONENT_OCTETS = 240;

export const pathRules = [sinkPathsAreWellFormed, sinksAreApart, pathsAreNotTooLong, stateIsOutsideSinks];

export function sinkPathsAreWellFormed({ sinks, statePath, placeOf }: JobDraft): JobProblem[] {
  const problems = sinks.flatMap(({ written, place }) =>
    [...templateFaults(written), ...pathFaults(written)].map((text) => ({ ...place, text })),
  );
  const stateFaults = statePath === undefined ? [] : pathFaults(statePath);
  return [...problems, ...stateFaults.map((text) => ({ ...placeOf(['state']), text }))];
}

function pathFaults(path: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  const faults = /[\u0000-\u001f\u007f]/.test(path) ? ['expected a path without control characters'] : [];
  return /^~[^/]*(\/|$)/.test(path)
    ? [...faults, 'a "~" is not expanded here; write the whole path, or "./~" for a folder of that name']
    : faults;
}

/**
 * An mbox belongs to one account of one sink, and no sink writes to or inside another's place. Several accounts may share a
 * Maildir: each message there is a file of its own, under a name that holds its account.
 */
export function sinksAreApart(draft: JobDraft): JobProblem[] {
  const problems = new Map<string, JobProblem>();
  // One problem for a pair of sinks: with ten thousand accounts the second is the same mistake as the first.
  const report = (place: SinkPlace, other: SinkPlace, text: string): void => {
    const pair = `${place.sink.place.path} ${other.sink.place.path}`;
    if (!problems.has(pair)) {
      problems.set(pair, { ...place.sink.place, text });
    }
  };
  const owners = new Map<string, SinkPlace>();
  for (const place of draft.places) {
    const owner = owners.get(place.folded);
    if (owner === undefined) {
      owners.set(place.folded, place);
    } else if (owner.sink !== place.sink || isSharedMbox(place, owner)) {
      report(place, owner, samePlaceText(place, owner));
    }
  }
  for (const { inner, outer } of nestedPlaces(owners)) {
    report(inner, outer, insideText(inner, outer));
  }
  return [...problems.values()];
}

/** Two accounts with one id are a problem of their own. */
function isSharedMbox(place: SinkPlace, owner: SinkPlace): boolean {
  return place.sink.definition.kind === 'mbox' && place.account !== owner.account;
}

function samePlaceText(place: SinkPlace, owner: SinkPlace): string {
  const caseOnly =
    place.path === owner.path ? '' : ' but for case or Unicode form, which many file systems ignore';
  if (place.sink !== owner.sink) {
    const other = `${owner.sink.definition.kind} at ${owner.sink.place.path}`;
    return `comes to the same path as the ${other}${caseOnly}: ${quoted(place.path)}; expected a place of its own`;
  }
  const accounts = `the accounts ${quoted(owner.account)} and ${quoted(place.account)}`;
  return `${accounts} come to the same mbox${caseOnly}: ${quoted(place.path)}; expected one for each, as with {account} in the path`;
}

function insideText(inner: SinkPlace, outer: SinkPlace): string {
  const owner = `the ${outer.sink.definition.kind} at ${outer.sink.place.path}`;
  return `${quoted(inner.path)} lies inside ${owner}, ${quoted(outer.path)}; expected a place of its own`;
}

function* nestedPlaces(
  owners: ReadonlyMap<string, SinkPlace>,
): Generator<{ readonly inner: SinkPlace; readonly outer: SinkPlace }> {
  // Folders that are known to have no owner above them: thousands of accounts share a handful.
  const free = new Set<string>();
  for (const inner of owners.values()) {
    const passed: string[] = [];
    let outer: SinkPlace | undefined;
    for (const folder of foldersAbove(inner.folded)) {
      outer = owners.get(folder);
      if (outer !== undefined || free.has(folder)) {
        break;
      }
      passed.push(folder);
    }
    if (outer === undefined) {
      for (const folder of passed) {
        free.add(folder);
      }
    } else {
      yield { inner, outer };
    }
  }
}

export function pathsAreNotTooLong(draft: JobDraft): JobProblem[] {
  const problems = new Map<DraftSink, JobProblem>();
  for (const { sink, path, account } of draft.places) {
    if (!problems.has(sink) && path.length > MAX_COMPONENT_OCTETS / 3) {
      const octets = longestComponentOctets(path);
      if (octets > MAX_COMPONENT_OCTETS) {
        const text = `for the account ${quoted(account)} a part of the path has ${octets} octets; expected at most ${MAX_COMPONENT_OCTETS}, with fewer placeholders between two "/"`;
        problems.set(sink, { ...sink.place, text });
      }
    }
  }
  return [...problems.values()];
}

/** Who removes, moves or delivers an archive must not take the ledger with it. */
export function stateIsOutsideSinks(draft: JobDraft): JobProblem[] {
  if (draft.statePath === undefined) {
    return [];
  }
  const state = foldPath(draft.statePath);
  const places = new Set([state, ...foldersAbove(state)]);
  for (const { sink, path, folded } of draft.places) {
    if (places.has(folded)) {
      const text = `the state folder ${quoted(draft.statePath)} is or lies inside the ${sink.definition.kind} ${quoted(path)}; expected it outside of every sink`;
      return [{ ...draft.placeOf(['state']), text }];
    }
  }
  return [];
}

function* foldersAbove(path: string): Generator<string> {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    yield path.slice(0, end);
  }
}
