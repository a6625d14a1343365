/** What the figures were measured on: without it they mean nothing. */
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import type { Contender } from './contender.ts';
import { PROJECT } from './project.ts';

/** A line each. */
export function describeMachine(contenders: readonly Contender[], fileSystem: string): string[] {
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const peers = contenders.filter(({ role }) => role === 'peer');
  return [
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${memory}, Linux ${release()}, Node ${process.version}`,
    `file system of the stores: ${fileSystem}`,
    `server: Dovecot ${said('dovecot', '--version')} on loopback, on the same machine`,
    ...peers.map(({ name, debianPackage }) => `${name}: Debian ${versionOf(debianPackage)}`),
  ];
}

/** The commit that is measured, with `-dirty` where files differ from it. */
export function describeCheckout(): string {
  return said('git', '-C', PROJECT, 'describe', '--always', '--dirty', '--exclude=*');
}

/** The package and its version, or `unknown` for what did not come as a package. */
function versionOf(debianPackage: string): string {
  return said('dpkg-query', '--show', debianPackage).replace('\t', ' ');
}

/** The first line that a program prints. */
function said(program: string, ...args: string[]): string {
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return stdout?.split('\n')[0]?.trim() || 'unknown';
}
