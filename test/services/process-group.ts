/**
 * A server program in a process group of its own, so that no child of it can outlive it unseen: not after a test, and not
 * when the test runner itself ends.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const END_DEADLINE_MS = 10_000;
const POLL_MS = 10;

export class ProcessGroup {
  /** Of the first process, and of the group. */
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #hasExited: Promise<void>;
  readonly #killAtExit: () => void;
  #output = '';

  /** The program must stay in the foreground. Throws when it cannot be run at all. @param env added to that of the tests */
  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
    this.#child = spawn(program, args, { detached: true, env: { ...process.env, ...env }, stdio });
    this.#child.once('error', (error) => {
      this.#output += `${error.message}\n`;
    });
    this.pid = this.#child.pid ?? 0;
    if (this.pid === 0) throw new Error(`${program} cannot be run: is it installed?`);
    const keep = (chunk: Buffer) => {
      this.#output += chunk.toString('utf8');
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#hasExited = new Promise((resolve) => this.#child.once('exit', () => resolve()));
    // A test runner that ends without stop() must not leave a server behind.
    this.#killAtExit = () => killGroup(this.pid);
    process.once('exit', this.#killAtExit);
  }

  /** What the program printed so far. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Returns when no process of the group lives. Killed rather than asked: asked, a Dovecot takes 2 to 3 s to finish
   * sessions whose mail is thrown away next. Can be called twice.
   */
  async end(): Promise<void> {
    const deadline = Date.now() + END_DEADLINE_MS;
    killGroup(this.pid);
    while (livesAny(this.pid)) {
      if (Date.now() > deadline) throw new Error(`processes of group ${this.pid} do not end`);
      await delay(POLL_MS);
    }
    await this.#hasExited;
    process.removeListener('exit', this.#killAtExit);
  }
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    // ESRCH: nobody is left, which is what was wanted.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Zombies do not count: they hold nothing, and where process 1 reaps lazily they stay for seconds. */
function livesAny(group: number): boolean {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => {
    const [state, , processGroup] = statFields(pid);
    return Number(processGroup) === group && state !== 'Z';
  });
}

/** Fields of Linux's /proc/PID/stat from number 3 (state) on, see proc(5); none where the process is gone. */
export function statFields(pid: string | number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
