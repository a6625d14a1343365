/**
 * Tests that need a program of the machine: they run where it is installed, are skipped with the reason in their name where it is
 * not, and fail where it is not and the environment says `CI=true`, so that a check can never be green for lack of a program.
 *
 *     const mpop = requireProgram('mpop');
 *     mpop.describe('mpop reads from the demo server', () => { … execFile(mpop.path, …) … });
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env } from 'node:process';
import { describe, it } from 'vitest';

/** The Debian package of a program, where it has another name. */
const PACKAGES: Readonly<Record<string, string>> = {
  doveadm: 'dovecot-core',
  dovecot: 'dovecot-pop3d',
  getmail: 'getmail6',
  'kadmin.local': 'krb5-admin-server',
  kinit: 'krb5-user',
  krb5kdc: 'krb5-kdc',
  'mkfs.ext4': 'e2fsprogs',
  tinyproxy: 'tinyproxy-bin',
  umount: 'mount',
};

export interface ProgramGate {
  /** Absolute path of the first program named; its plain name where it is missing. */
  readonly path: string;
  /** What to install; undefined where nothing is missing. */
  readonly reason: string | undefined;
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void> | void, timeoutMs?: number): void;
}

/** All of the programs must be there. They are looked for in PATH and in the places for administrators. */
export function requireProgram(...names: readonly [string, ...string[]]): ProgramGate {
  const missing = names.filter((name) => findProgram(name) === undefined);
  const path = findProgram(names[0]) ?? names[0];
  const packages = missing.map((name) => PACKAGES[name] ?? name).join(' ');
  const reason =
    missing.length === 0 ? undefined : `${missing.join(', ')} missing: apt-get install ${packages}`;
  return { path, ...gateOf(reason) };
}

/** @param reason why the tests cannot run here, and what to do about it; undefined where they can. */
export function gateOf(reason: string | undefined): Omit<ProgramGate, 'path'> {
  if (reason === undefined) {
    return { reason, describe, it };
  }
  if (env['CI'] === 'true') {
    const fail = (): never => {
      throw new Error(reason);
    };
    return { reason, describe: (name) => it(name, fail), it: (name) => it(name, fail) };
  }
  return {
    reason,
    describe: (name, body) => describe.skip(`${name} (skipped, ${reason})`, body),
    it: (name, body, timeoutMs) => it.skip(`${name} (skipped, ${reason})`, body, timeoutMs),
  };
}

/** The absolute path of a program, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: either way the next folder is asked.
    return false;
  }
}
