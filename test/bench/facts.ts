/** What the figures were measured on: without it they mean nothing. */
import { cpus, release, totalmem } from 'node:os';
import type { Contender } from './contender.ts';
import { versionOf } from './measure.ts';
import { PROJECT } from './project.ts';

/** Markdown list. */
export function describeMachine(contenders: readonly Contender[], folder: string): string {
  const said = (program: string, ...args: string[]) => versionOf(program, args) ?? 'unknown';
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const lines = [
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${memory}, Linux ${release()}, Node ${process.version}`,
    `file system of the target: ${said('stat', '--file-system', '--format=%T', folder)}`,
    `server: Dovecot ${said('dovecot', '--version')} on loopback, on the same machine`,
    `checkout: ${said('git', '-C', PROJECT, 'describe', '--always', '--dirty')}`,
    ...contenders.map((one) => `${one.name}: ${said(one.program, ...one.versionArgs)}`),
  ];
  return lines.map((line) => `- ${line}`).join('\n');
}
