/** The built program started by another one (strace, setpriv, a shell), and how that ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execPath } from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { PASSWORD } from '../../support/job-folder.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/mailferry.js', import.meta.url));
const DEADLINE_MS = 60_000;

export interface WrappedEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `wrapper … node mailferry args…` to its end. One thread for file operations, so that their order is the same each time. */
export async function runWrapped(
  wrapper: readonly [string, ...string[]],
  args: readonly string[],
  cwd: string,
): Promise<WrappedEnd> {
  const [program, ...before] = wrapper;
  const { NO_COLOR, FORCE_COLOR, ...inherited } = process.env;
  const child = spawn(program, [...before, execPath, PROGRAM, ...args], {
    cwd,
    env: { ...inherited, MAIL_PASSWORD: PASSWORD, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, signal, stdout, stderr };
}
