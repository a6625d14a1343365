/** Who takes part: those that were named, or all that are there. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Contender } from './contender.ts';
import { CONTENDERS } from './contenders/all.ts';

export interface Choice {
  readonly contenders: readonly Contender[];
  /** What to install for the others; undefined where nothing is missing. */
  readonly advice: string | undefined;
}

/** Throws where one that was named is unknown or cannot be run. */
export function chooseContenders(
  names: readonly string[] | undefined,
  isThere: (program: string) => boolean = isInPath,
): Choice {
  const wanted = (names ?? [...CONTENDERS.keys()]).map(contenderOf);
  const missing = wanted.filter(({ program }) => !isThere(program));
  if (missing.length === 0) return { contenders: wanted, advice: undefined };
  const who = missing.map(({ name }) => name).join(', ');
  const advice = `${who} cannot be run: apt-get install ${missing.map(({ debianPackage }) => debianPackage).join(' ')}`;
  if (names !== undefined) throw new Error(advice);
  return { contenders: wanted.filter(({ program }) => isThere(program)), advice };
}

function contenderOf(name: string): Contender {
  const contender = CONTENDERS.get(name);
  if (contender === undefined)
    throw new Error(`no contender "${name}"; known: ${[...CONTENDERS.keys()].join(', ')}`);
  return contender;
}

function isInPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
