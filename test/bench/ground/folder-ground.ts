/** Folders of whatever file system TMPDIR is on. */
import { mkdirSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describeFileSystem } from './file-system.ts';
import type { Ground, GroundFolder } from './ground.ts';

export class FolderGround implements Ground {
  readonly description: string;
  readonly #folder: string;
  #folders = 0;

  /** @param folder of the bench, which removes it at its end */
  constructor(folder: string) {
    this.#folder = folder;
    this.description = `${describeFileSystem(folder)}, as it was found`;
  }

  open(): GroundFolder {
    const path = join(this.#folder, `run-${++this.#folders}`);
    mkdirSync(path);
    return { path, [Symbol.dispose]: () => emptyFiles(path) };
  }
}

/**
 * Gives back what the files take and leaves them there; the whole folder of the bench goes at its end. ext4 does not use the inodes of
 * files that were removed in the last minutes, and looks past each of them when it makes a new one: after ten thousand were removed, the
 * next contender would take four times as long.
 */
function emptyFiles(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) truncateSync(join(entry.parentPath, entry.name));
  }
}
