/**
 * Moves damaged messages out of the way in a Maildir: into its folder `damaged`, which mail readers do not look at, under
 * the name that they had. A copy that is fetched again then gets the name that follows from the message, in `new`.
 */
import { lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Disk, syncFolder } from '../disk.ts';
import { makeFolders } from '../durable-folder.ts';
import type { Receipt } from '../sink.ts';
import { BaseFinder, baseOfLocation } from './reader.ts';

const FOLDER = 'damaged';

/** Durable when it resolves. What is not there is left out. @throws what a system call threw */
export async function setAsideInMaildir(
  disk: Disk,
  root: string,
  receipts: readonly Receipt[],
): Promise<void> {
  const finder = new BaseFinder(root);
  const left = new Set<string>();
  const aside = join(root, FOLDER);
  for (const { location } of receipts) {
    const base = baseOfLocation(location);
    const path = base === undefined ? undefined : await finder.find(base);
    if (path !== undefined) {
      await makeFolders(disk, [aside]);
      disk.rename(join(root, path), freeName(join(aside, basename(path))));
      left.add(join(root, dirname(path)));
    }
  }
  for (const folder of left.size === 0 ? [] : [aside, ...left]) {
    await syncFolder(disk, folder);
  }
}

/** A message may be damaged more than once; nothing that was set aside is overwritten. */
function freeName(path: string): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? path : `${path}.${count}`;
    if (lstatSync(name, { throwIfNoEntry: false }) === undefined) {
      return name;
    }
  }
}
