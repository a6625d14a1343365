/** Runs one program and says what it cost. Memory and CPU come from GNU time, which counts ended children too. */
import { execFileSync, spawn } from 'node:child_process';
import type { Command } from './contender.ts';

const GNU_TIME = '/usr/bin/time';
const LONGEST_RUN_MS = 60 * 60_000;
const KIBIBYTES_PER_MEGABYTE = 1_000_000 / 1024;
const KEPT_WORDS = 2000;

/**
 * What a run finds in its environment. Node reads the authorities of NODE_EXTRA_CA_CERTS, and its own with them, before it runs
 * anything: three times the start of the program, on machines that have it set. Jobs name their authorities themselves.
 */
const { NODE_EXTRA_CA_CERTS: _, ...ENVIRONMENT } = process.env;

export interface Cost {
  readonly wallSeconds: number;
  /** User and system time of the client. */
  readonly cpuSeconds: number;
  /** Of its largest process. */
  readonly peakMegabytes: number;
}

/** Throws with the program's own last words when it fails. */
export async function measure(program: string, command: Omit<Command, 'stored'>): Promise<Cost> {
  // What earlier runs left to be written must not be paid by this one.
  execFileSync('sync');
  // Quiet: GNU time puts a line about an exit code before its figures, which are the last line of stderr.
  const args = ['-q', '-f', '%U %S %M', program, ...command.args];
  const started = performance.now();
  const { code, lines } = await runToEnd(args, command);
  const wallSeconds = (performance.now() - started) / 1000;
  if (typeof code !== 'number' || !(command.goodCodes ?? [0]).includes(code))
    throw new Error(`${program} ended with ${code}: ${lines.at(-2) ?? ''}`);
  const [user = 0, system = 0, peakKibibytes = 0] = (lines.at(-1) ?? '').split(' ').map(Number);
  return { wallSeconds, cpuSeconds: user + system, peakMegabytes: peakKibibytes / KIBIBYTES_PER_MEGABYTE };
}

interface Ended {
  readonly code: number | NodeJS.Signals | null;
  /** What was said last, on both outputs. */
  readonly lines: readonly string[];
}

function runToEnd(args: readonly string[], command: Omit<Command, 'stored'>): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that nothing of it outlives the deadline or the bench.
    const child = spawn(GNU_TIME, args, {
      env: { ...ENVIRONMENT, ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const killGroup = (): void => {
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      if (child.pid !== undefined && !hasEnded) process.kill(-child.pid, 'SIGKILL');
    };
    const deadline = setTimeout(killGroup, LONGEST_RUN_MS);
    // First of all: what it has open cannot be unmounted.
    process.prependOnceListener('exit', killGroup);
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk) => {
        said[name] = (said[name] + String(chunk)).slice(-KEPT_WORDS);
      });
    }
    const release = (): void => {
      clearTimeout(deadline);
      process.removeListener('exit', killGroup);
    };
    child.once('error', (cause) => {
      release();
      reject(new Error(`${GNU_TIME} cannot be run (Debian package time)`, { cause }));
    });
    child.once('close', (code, signal) => {
      release();
      const lines = `${said.stdout}\n${said.stderr}`.split('\n').filter((line) => line !== '');
      resolve({ code: signal ?? code, lines });
    });
  });
}
