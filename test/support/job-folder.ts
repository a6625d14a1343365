/**
 * A temporary folder with job files in it, as a user has one: written as JSON, which the program reads as it reads YAML. State
 * and archives lie beside the job. Goes with the test that made it.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { maildirDigests, mboxDigests } from './archives.ts';
import { type Ended, type MailferryOptions, type RunningMailferry, startMailferry } from './mailferry.ts';
import { runHere } from './run-here.ts';

const execute = promisify(execFile);

/** All accounts of the test servers have one password, which comes from the environment as it should. */
export const PASSWORD = 'tide-41 & "lantern"';
const PASSWORD_VARIABLE = 'MAIL_PASSWORD';

export interface JobText {
  readonly name?: string;
  /** Keys for every account; the host is 127.0.0.1 and the line plaintext unless said otherwise. */
  readonly defaults?: object;
  /** Ids, or whole accounts. */
  readonly accounts: readonly (string | object)[];
  readonly sinks?: readonly object[];
  readonly limits?: object;
  readonly [key: string]: unknown;
}

export class JobFolder implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), 'mailferry-e2e-'));

  readonly #started: RunningMailferry[] = [];

  /** Ends what a failed test has left running, too. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#started) {
      running.kill('SIGKILL');
      await running.ended;
    }
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Writes any file and gives its path. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Writes a job for accounts on one port, by default into a Maildir and an mbox, and gives its path. */
  writeJob(port: number, job: JobText, file = 'job.yaml'): string {
    const accounts = job.accounts.map((account) =>
      typeof account === 'string' ? { id: account, user: account } : account,
    );
    const password = { env: PASSWORD_VARIABLE };
    const text = {
      name: 'test',
      state: './state',
      sinks: [{ maildir: './maildir/{account}' }, { mbox: './mbox/{account}.mbox' }],
      ...job,
      defaults: { host: '127.0.0.1', port, security: 'plaintext', password, ...job.defaults },
      accounts,
    };
    return this.write(file, JSON.stringify(text, null, 2));
  }

  /** Runs a command in this folder, with the password in the environment. */
  run(args: readonly string[], options: MailferryOptions = {}): Promise<Ended> {
    return this.start(args, options).ended;
  }

  /** The same inside the test's process, with paths that are absolute. */
  runHere(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return runHere(args, { [PASSWORD_VARIABLE]: PASSWORD, ...env });
  }

  start(args: readonly string[], options: MailferryOptions = {}): RunningMailferry {
    const running = startMailferry(args, this.#withPassword(options));
    this.#started.push(running);
    return running;
  }

  /** Runs another program here, with the password in the environment, and gives its standard output. */
  async runProgram(program: string, args: readonly string[], env: Record<string, string>): Promise<string> {
    const { NO_COLOR, FORCE_COLOR, ...inherited } = process.env;
    const options = { cwd: this.path, env: { ...inherited, [PASSWORD_VARIABLE]: PASSWORD, ...env } };
    try {
      return (await execute(program, args, options)).stdout;
    } catch (error) {
      // A failing exit code is for the test to judge by what was printed.
      if (error instanceof Error && 'stdout' in error) return String(error.stdout);
      throw error;
    }
  }

  /** What lies in each of the two archives of an account: SHA-256 of each stored message, sorted. */
  archived(account: string): { maildir: string[]; mbox: string[] } {
    return {
      maildir: maildirDigests(this.maildir(account)),
      mbox: mboxDigests(this.mbox(account)),
    };
  }

  maildir(account: string): string {
    return join(this.path, 'maildir', account);
  }

  mbox(account: string): string {
    return join(this.path, 'mbox', `${account}.mbox`);
  }

  /** Every file below the folder, relative to it, sorted. */
  files(): string[] {
    return readdirSync(this.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? dirname(entry.name), entry.name).slice(this.path.length + 1))
      .sort();
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  #withPassword({ env, ...options }: MailferryOptions): MailferryOptions {
    return { cwd: this.path, ...options, env: { [PASSWORD_VARIABLE]: PASSWORD, ...env } };
  }
}

/** The objects of `--json`, one a line. Throws where a line is none. */
export function parseEvents(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const value: unknown = JSON.parse(line);
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new Error(`not an object: ${line}`);
      return { ...value };
    });
}
