/**
 * Disks whose power can be cut: ext4 in image files in memory, mounted through loop devices. What runs in the environment of
 * `untilCut` loses at its n-th sync all that it had not synced (power-cut.c), and `reboot` shows what is left. Nothing here knows of jobs.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { textOf } from '../../src/errors/mailferry-error.ts';
import { gateOf, type ProgramGate, requireProgram } from '../support/programs.ts';

const SOURCE = fileURLToPath(new URL('./power-cut.c', import.meta.url));
const FLAGS = ['-shared', '-fPIC', '-Wall', '-Werror'];
const SIZE = '24M';

/** A sync that was entered, as power-cut.c notes it. */
export interface EnteredSync {
  readonly number: number;
  /** How long the file was by then. */
  readonly octets: number;
  readonly path: string;
}

/** What is preloaded, compiled once for a test file. */
export class PowerCut implements Disposable {
  readonly library: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'mailferry-power-cut-'));

  constructor() {
    this.library = join(this.#folder, 'power-cut.so');
    execFileSync('gcc', [...FLAGS, '-o', this.library, SOURCE]);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

export class CutDisks implements Disposable {
  /** The folder that they are mounted at, or below. */
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'mailferry-disks-'));
  readonly #log = join(this.#folder, 'syncs');
  readonly #disks: readonly { readonly image: string; readonly at: string }[];
  /** The last one first. */
  #mounted: readonly string[] = [];

  /** @param names a disk is mounted at each of these below `path`; without any, one at `path` itself */
  constructor(names: readonly string[] = []) {
    this.path = join(this.#folder, 'at');
    const places = names.length === 0 ? [this.path] : names.map((name) => join(this.path, name));
    this.#disks = places.map((at, index) => ({ at, image: join(this.#folder, `${index}.image`) }));
    try {
      this.#mount('tmpfs', 'tmpfs', this.#folder);
      for (const { image, at } of this.#disks) {
        execFileSync('mkfs.ext4', ['-q', image, SIZE]);
        mkdirSync(at, { recursive: true });
      }
      this.#mountDisks();
      for (const { at } of this.#disks) {
        rmdirSync(join(at, 'lost+found'));
      }
    } catch (thrown) {
      this[Symbol.dispose]();
      throw thrown;
    }
  }

  /** The environment of a program that is to be cut as it enters its n-th sync; with 0 its syncs are only noted. */
  untilCut({ library }: PowerCut, number: number): Readonly<Record<string, string>> {
    rmSync(this.#log, { force: true });
    return {
      LD_PRELOAD: library,
      POWER_CUT_AT: String(number),
      POWER_CUT_LOG: this.#log,
      POWER_CUT_DISKS: this.#disks.map(({ at }) => at).join(':'),
    };
  }

  /** The syncs that were entered since `untilCut`, in order. */
  syncs(): readonly EnteredSync[] {
    const lines = existsSync(this.#log)
      ? readFileSync(this.#log, 'utf8').matchAll(/^(\d+) (\d+) (.*)$/gm)
      : [];
    return Array.from(lines, ([, number, octets, path = '']) => ({
      number: Number(number),
      octets: Number(octets),
      path,
    }));
  }

  /**
   * Mounts the disks again and takes what they have kept into a plain folder in their place: what runs in the test's process leaves the
   * ledger's files open for a while, and a disk with open files cannot be unmounted. No program may have any open before.
   */
  reboot(): void {
    const kept = join(this.#folder, 'kept');
    this.#unmountDisks();
    for (const { image } of this.#disks) {
      // Where a mount namespace was made meanwhile it holds the dead file system, and a mount of the same image would show that.
      execFileSync('cp', ['--sparse=always', image, `${image}-copy`]);
    }
    this.#mountDisks('-copy');
    execFileSync('cp', ['-a', this.path, kept]);
    this.#unmountDisks();
    rmSync(this.path, { recursive: true });
    renameSync(kept, this.path);
  }

  [Symbol.dispose](): void {
    for (const at of this.#mounted) {
      // Lazily: see reboot.
      execFileSync('umount', ['--lazy', at]);
    }
    rmdirSync(this.#folder);
  }

  #mountDisks(suffix = ''): void {
    for (const { image, at } of this.#disks) {
      this.#mount('ext4', `${image}${suffix}`, at, '-o', 'loop');
    }
  }

  /** Their loop devices go with them. */
  #unmountDisks(): void {
    for (const { at } of this.#disks) {
      execFileSync('umount', [at]);
      this.#mounted = this.#mounted.filter((one) => one !== at);
    }
  }

  #mount(type: string, what: string, at: string, ...options: readonly string[]): void {
    execFileSync('mount', ['-t', type, ...options, what, at], { stdio: 'pipe' });
    this.#mounted = [at, ...this.#mounted];
  }
}

/** Whether the octets that a sync was to keep are gone, all or some. */
export function isLost({ path, octets }: EnteredSync): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? -1) < octets;
}

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

/** Where programs or rights are missing the tests are skipped, and fail where CI=true. */
export const powerCutGate: Omit<ProgramGate, 'path'> = isRoot
  ? requireProgram('gcc', 'mkfs.ext4', 'mount', 'umount')
  : gateOf('a disk is mounted by root on Linux alone: sudo npm run test:crash');

/** A container may have all of them and no loop devices: then there is nothing to test with, in CI too. */
export function whyNoDisk(): string | undefined {
  if (powerCutGate.reason !== undefined) {
    return undefined;
  }
  try {
    using _disks = new CutDisks();
    return undefined;
  } catch (thrown) {
    const text = textOf(thrown);
    if (!text.startsWith('Command failed: mount')) {
      throw thrown;
    }
    return `this machine does not let a disk be mounted: ${text.replaceAll('\n', ' ').trim()}`;
  }
}
