/**
 * Makes folders so that they are still there after a power cut: each new folder's entry is synced in its parent.
 */
import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCodeOf } from '../errors/mailferry-error.ts';
import { type Disk, syncFolder } from './disk.ts';

/**
 * Makes the folders and whatever of their parents is missing, readable by the owner alone. What is there stays as it is.
 * @returns those that were made
 */
export async function makeFolders(disk: Disk, paths: readonly string[]): Promise<ReadonlySet<string>> {
  const made = new Set<string>();
  try {
    for (const folder of new Set(paths.flatMap(missingFolders))) {
      if (makeOne(folder)) {
        made.add(folder);
      }
    }
    // Each parent once, and side by side: none of them counts before all do.
    const changed = new Set([...made].map((folder) => dirname(folder)));
    await Promise.all([...changed].map((parent) => syncFolder(disk, parent)));
  } catch (thrown) {
    // What is there passes for durable: the next try is to make them anew.
    [...made].reverse().forEach(removeEmpty);
    throw thrown;
  }
  return made;
}

/** Leaves a folder alone in which somebody has put something since. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // The failure that brought us here is the one to tell.
  }
}

/** `path` and those of its parents that are not there, topmost first. */
function missingFolders(path: string): readonly string[] {
  const missing: string[] = [];
  for (let folder = path; !isFolder(folder); folder = dirname(folder)) {
    missing.unshift(folder);
  }
  return missing;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** @returns whether it was missing */
function makeOne(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'EEXIST' && isFolder(path)) {
      return false;
    }
    throw thrown;
  }
}
