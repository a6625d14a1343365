/**
 * The built program in a process of its own, as a user starts it: what end-to-end tests run. Must not import the product,
 * so that nothing of it runs in the test's process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { env as environment, execPath } from 'node:process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/mailferry.js', import.meta.url));
const REPORT_PEAK = new URL('./report-peak.mjs', import.meta.url).href;
/** A process that hangs fails its test with what it printed, instead of the whole suite without a word. */
const DEADLINE_MS = 120_000;

export interface MailferryOptions {
  readonly cwd?: string;
  /** Path of another `bin/mailferry.js` than that of this checkout. */
  readonly program?: string;
  /** Added to the environment of the tests, from which what decides about colours is taken out. */
  readonly env?: Readonly<Record<string, string>>;
  /** Has `peakOctets` measured (Linux). */
  readonly measuresPeak?: boolean;
  readonly deadlineMs?: number;
  /** A program and its arguments that the whole is started under: strace. */
  readonly under?: readonly string[];
}

/** How a process ended, and all that it printed. */
export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Most memory that was resident at once; undefined unless it was asked for, or where the process was killed. */
  readonly peakOctets: number | undefined;
}

/** Runs it to its end. Whatever the exit code is, that is for the test to judge. */
export function mailferry(args: readonly string[], options?: MailferryOptions): Promise<Ended> {
  return startMailferry(args, options).ended;
}

export function startMailferry(args: readonly string[], options: MailferryOptions = {}): RunningMailferry {
  const { cwd, env = {}, measuresPeak = false, deadlineMs = DEADLINE_MS, under = [] } = options;
  const { program: script = PROGRAM } = options;
  const { NO_COLOR, FORCE_COLOR, ...inherited } = environment;
  const node = measuresPeak ? ['--import', REPORT_PEAK] : [];
  const [program = execPath, ...rest] = [...under, execPath, ...node, script, ...args];
  const child = spawn(program, rest, {
    ...(cwd !== undefined && { cwd }),
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  });
  return new RunningMailferry(child);
}

export class RunningMailferry {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #output = { stdout: '', stderr: '' };
  #listeners: readonly (() => void)[] = [];

  /** Use startMailferry. */
  constructor(child: ChildProcess) {
    this.#child = child;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#output[name] += text;
        for (const listener of this.#listeners) listener();
      });
    }
    this.ended = this.#untilEnd();
  }

  /** Process id. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('mailferry could not be started');
    return this.#child.pid;
  }

  /** Resolves once the text was printed. Throws with all that was where the process ends before. */
  async prints(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    let listener: () => void = () => undefined;
    const found = new Promise<void>((resolve) => {
      listener = () => {
        if (this.#output[stream].includes(text)) resolve();
      };
    });
    this.#listeners = [...this.#listeners, listener];
    listener();
    const ended = this.ended.then(({ code, stdout, stderr }) => {
      if (!this.#output[stream].includes(text))
        throw new Error(`mailferry ended (${code}) without printing "${text}":\n${stdout}\n${stderr}`);
    });
    await Promise.race([found, ended]);
    this.#listeners = this.#listeners.filter((one) => one !== listener);
  }

  /** Does nothing where the process has ended. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Closes the test's end of its standard output, as `head` does when it has seen enough. */
  closeStdout(): void {
    this.#child.stdout?.destroy();
  }

  async #untilEnd(): Promise<Ended> {
    // A TypeScript tuple of `stdio` streams has no name for the fourth; it is the pipe that was asked for above.
    const peak = collect(this.#child.stdio[3] as Readable | null);
    const [code, signal] = await once(this.#child, 'close');
    const peakText = await peak;
    return {
      code,
      signal,
      ...this.#output,
      peakOctets: peakText === '' ? undefined : Number(peakText),
    };
  }
}

async function collect(stream: Readable | null): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}
