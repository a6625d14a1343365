/** Runs one program and says what it cost. Memory and CPU come from GNU time, which counts ended children too. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from './contender.ts';

const GNU_TIME = '/usr/bin/time';
const LONGEST_RUN_MS = 60 * 60_000;
const KIBIBYTES_PER_MEGABYTE = 1_000_000 / 1024;
const KEPT_WORDS = 2000;

export interface Cost {
  readonly wallSeconds: number;
  /** User and system time of the client. */
  readonly cpuSeconds: number;
  /** Of its largest process. */
  readonly peakMegabytes: number;
}

/** Throws with the program's own last words when it fails. */
export async function measure(program: string, command: Omit<Command, 'stored'>): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), 'mailferry-time-'));
  const notes = join(folder, 'time.txt');
  try {
    // What earlier runs left to be written must not be paid by this one.
    execFileSync('sync');
    // Quiet: GNU time puts a line about an exit code before its figures.
    const args = ['-q', '-f', '%U %S %M', '-o', notes, program, ...command.args];
    const started = performance.now();
    await runToEnd(program, args, command);
    const wallSeconds = (performance.now() - started) / 1000;
    const figures = readFileSync(notes, 'latin1').trim().split(' ').map(Number);
    const [user = 0, system = 0, peakKibibytes = 0] = figures;
    return { wallSeconds, cpuSeconds: user + system, peakMegabytes: peakKibibytes / KIBIBYTES_PER_MEGABYTE };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runToEnd(program: string, args: readonly string[], command: Omit<Command, 'stored'>): Promise<void> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that nothing of it outlives the deadline or the bench.
    const child = spawn(GNU_TIME, args, {
      env: { ...process.env, ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const killGroup = (): void => {
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      if (child.pid !== undefined && !hasEnded) process.kill(-child.pid, 'SIGKILL');
    };
    const deadline = setTimeout(killGroup, LONGEST_RUN_MS);
    process.once('exit', killGroup);
    let said = '';
    const keep = (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-KEPT_WORDS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (cause) =>
      reject(new Error(`${GNU_TIME} cannot be run (Debian package time)`, { cause })),
    );
    child.once('close', (code, signal) => {
      clearTimeout(deadline);
      process.removeListener('exit', killGroup);
      if (code !== null && (command.goodCodes ?? [0]).includes(code)) resolve();
      else reject(new Error(`${program} ended with ${signal ?? code}: ${lastLine(said)}`));
    });
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
