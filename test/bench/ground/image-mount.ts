/**
 * An ext4 of mkfs.ext4's own features in an image file, mounted through a loop device. Needs root. Each step is undone by what it made (this
 * file, this device, this mount), in reverse order, when the mount is disposed of, and else when the process ends.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import type { GroundFolder } from './ground.ts';

/**
 * The room stays allocated, so that writing is not growing the image; and all tables are written now, since the kernel would do so in the
 * background, during the run.
 */
const AT_ONCE = 'nodiscard,lazy_itable_init=0,lazy_journal_init=0';
/** Processes that were killed need a moment to end, and hold the mount until then. */
const UNMOUNT_PATIENCE_MS = 5000;
const UNMOUNT_PAUSE_MS = 50;

type Undo = (isLastChance: boolean) => void;

/** @param folder is made here, and removed */
export function openImageMount(
  folder: string,
  mebibytes: number,
  unmountPatienceMs = UNMOUNT_PATIENCE_MS,
): ImageMount {
  const mount = new ImageMount(folder, unmountPatienceMs);
  try {
    mount.make(mebibytes);
    return mount;
  } catch (error) {
    mount[Symbol.dispose]();
    throw error;
  }
}

export class ImageMount implements GroundFolder {
  readonly path: string;
  readonly #folder: string;
  readonly #undos: Undo[] = [];
  readonly #unmountPatienceMs: number;
  readonly #undoAtExit = (): void => this.#undoAll();

  /** Use openImageMount. */
  constructor(folder: string, unmountPatienceMs: number) {
    this.#folder = folder;
    this.#unmountPatienceMs = unmountPatienceMs;
    // Not the root of the file system, which has lost+found in it.
    this.path = join(folder, 'mount', 'run');
  }

  make(mebibytes: number): void {
    const image = join(this.#folder, 'image');
    const mountPoint = join(this.#folder, 'mount');
    // Before the bench removes its folder, which was asked for earlier.
    process.prependOnceListener('exit', this.#undoAtExit);
    this.#undos.push(() => rmSync(this.#folder, { recursive: true, force: true }));
    mkdirSync(mountPoint, { recursive: true });
    runCommand('fallocate', '--length', `${mebibytes}MiB`, image);
    runCommand('mkfs.ext4', '-q', '-F', '-E', AT_ONCE, image);
    const device = runCommand('losetup', '--find', '--show', image);
    this.#undos.push(() => runCommand('losetup', '--detach', device));
    runCommand('mount', '-t', 'ext4', device, mountPoint);
    this.#undos.push((isLastChance) => unmount(mountPoint, this.#unmountPatienceMs, isLastChance));
    mkdirSync(this.path);
  }

  /** Throws where the mount is still in use; what is left is undone when the process ends. */
  [Symbol.dispose](): void {
    for (let undo = this.#undos.at(-1); undo !== undefined; undo = this.#undos.at(-1)) {
      undo(false);
      this.#undos.pop();
    }
    process.removeListener('exit', this.#undoAtExit);
  }

  /** Throws nothing: others have to clean up after this. */
  #undoAll(): void {
    for (const undo of this.#undos.reverse()) {
      try {
        undo(true);
      } catch (error) {
        process.stderr.write(`bench: ${this.#folder}: ${error instanceof Error ? error.message : error}\n`);
      }
    }
  }
}

/** At the last chance the mount goes from the tree at once, and the rest when its last user ends. */
function unmount(mountPoint: string, patienceMs: number, isLastChance: boolean): void {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      runCommand('umount', mountPoint);
      return;
    } catch (error) {
      if (performance.now() > deadline) {
        if (!isLastChance) throw error;
        runCommand('umount', '--lazy', mountPoint);
        return;
      }
    }
    // Not a timer: nothing else runs any more when the process ends.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UNMOUNT_PAUSE_MS);
  }
}
