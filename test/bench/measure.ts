/** Runs one program and says what it cost. Memory and CPU come from GNU time, which counts ended children too. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Contender } from './contender.ts';

const GNU_TIME = '/usr/bin/time';
const LONGEST_RUN_MS = 30 * 60_000;
const KIBIBYTES_PER_MEGABYTE = 1_000_000 / 1024;

export interface Cost {
  readonly wallSeconds: number;
  /** User and system time of the client. */
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

/** Throws with the program's own words when it fails. `folder` takes the notes of GNU time. */
export async function measure(contender: Contender, command: Command, folder: string): Promise<Cost> {
  const notes = join(folder, 'time.txt');
  const args = ['-f', '%U %S %M', '-o', notes, contender.program, ...command.args];
  const started = performance.now();
  await runToEnd(contender.name, args, command);
  const wallSeconds = (performance.now() - started) / 1000;
  const [user = 0, system = 0, peakKibibytes = 0] = readFileSync(notes, 'latin1')
    .trim()
    .split(' ')
    .map(Number);
  return { wallSeconds, cpuSeconds: user + system, peakMegabytes: peakKibibytes / KIBIBYTES_PER_MEGABYTE };
}

/** First line that the program prints for its version; undefined when it is not there (some end with 1 after it). */
export function versionOf(program: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return error === undefined ? (stdout || stderr).split('\n')[0] : undefined;
}

function runToEnd(name: string, args: readonly string[], command: Command): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(GNU_TIME, args, {
      env: { ...process.env, ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_RUN_MS,
    });
    let said = '';
    const keep = (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-4000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (cause) =>
      reject(new Error(`${GNU_TIME} cannot be run (Debian package time)`, { cause })),
    );
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${name} ended with ${signal ?? code}:\n${said}`));
    });
  });
}
