/**
 * A file system of the test's own: a tmpfs of a given size, which can be filled, made read-only and enlarged. Needs root on
 * Linux, to mount one; where that is missing tests are skipped, and fail where CI=true.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemCodeOf } from '../../../src/errors/mailferry-error.ts';
import { requireProgram } from '../../support/programs.ts';

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

/** Where nobody may mount anything `it` is skipped with that reason. */
export const mountGate: Pick<ReturnType<typeof requireProgram>, 'it'> = isRoot
  ? requireProgram('mount', 'umount')
  : requireProgram('root rights');

export class TinyDisk implements Disposable {
  readonly path: string;

  constructor(path: string, octets: number) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${octets}`, 'tmpfs', path]);
  }

  enlarge(octets: number): void {
    this.#remount(`size=${octets}`);
  }

  makeReadOnly(): void {
    this.#remount('ro');
  }

  makeWritable(): void {
    this.#remount('rw');
  }

  /** Leaves no room at all. */
  fill(): void {
    const fd = openSync(join(this.path, 'filler'), 'w');
    const octets = Buffer.alloc(64 * 1024);
    try {
      for (;;) {
        writeSync(fd, octets);
      }
    } catch (thrown) {
      if (systemCodeOf(thrown) !== 'ENOSPC') {
        throw thrown;
      }
    } finally {
      closeSync(fd);
    }
  }

  makeRoom(): void {
    rmSync(join(this.path, 'filler'));
  }

  [Symbol.dispose](): void {
    // Lazily: a ledger's handles go when they are garbage collected.
    execFileSync('umount', ['--lazy', this.path]);
  }

  #remount(options: string): void {
    execFileSync('mount', ['-o', `remount,${options}`, this.path]);
  }
}

/** A folder as it is, read-only from here on: a mount of its own, so that handles which are still open do not matter. */
export class ReadOnlyFolder implements Disposable {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    execFileSync('mount', ['--bind', path, path]);
    execFileSync('mount', ['-o', 'remount,bind,ro', path]);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.#path]);
  }
}
