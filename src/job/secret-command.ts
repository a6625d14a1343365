/**
 * A secret from a program: run without a shell, for a limited time, with limited output. What it complains about is shown
 * without what it gave.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import type { MailferryError } from '../errors/mailferry-error.ts';
import { quoted } from './problems.ts';
import { MAX_SECRET_OCTETS, missing, type RawSecret, type ResolveOptions, unusable } from './raw-secret.ts';

const MAX_STDERR_SHOWN = 400;

/** Runs the command without a shell, its standard input closed: a command that wants to ask somebody must not wait. */
export function runSecretCommand(
  argv: readonly [string, ...string[]],
  options: ResolveOptions,
): Promise<RawSecret> {
  const [program, ...args] = argv;
  const from = `the secret command ${quoted(program)}`;
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        encoding: 'buffer',
        timeout: options.timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_SECRET_OCTETS + 1,
        signal: options.signal,
        windowsHide: true,
      },
      (failure, stdout, stderr) => {
        if (options.signal.aborted) {
          reject(options.signal.reason);
        } else if (failure !== null) {
          // Never as `cause`: its text is the whole command line, and an argument may be a secret.
          reject(commandError(from, failure, shownStderr(stderr, stdout), options.timeoutMs));
        } else {
          resolve({ octets: stdout, from, warnings: [] });
        }
      },
    );
    // A command that has ended already cannot be told that there is no input; its exit says all there is to say.
    child.stdin?.on('error', () => undefined).end();
  });
}

function commandError(
  from: string,
  failure: ExecFileException,
  stderr: string,
  timeoutMs: number,
): MailferryError {
  if (failure.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return unusable(
      `${from} gave more than ${MAX_SECRET_OCTETS} octets`,
      'It must print the secret and nothing else.',
    );
  }
  if (typeof failure.code === 'string') {
    const reason = failure.code === 'ENOENT' ? 'was not found' : `could not be started: ${failure.code}`;
    return missing(
      `${from} ${reason}`,
      'Commands run without a shell: name the program, then each argument.',
    );
  }
  const hint = 'Run the command by hand as the same user; it must print the secret on standard output.';
  const outcome = outcomeOf(failure, timeoutMs);
  return missing(`${from} ${outcome}${stderr === '' ? '' : `; it said ${stderr}`}`, hint);
}

function outcomeOf(failure: ExecFileException, timeoutMs: number): string {
  if (failure.killed === true) {
    return `gave no answer within ${timeoutMs} ms and was stopped`;
  }
  return failure.signal
    ? `was ended by ${failure.signal}`
    : `ended with exit code ${failure.code ?? 'unknown'}`;
}

/** The end of what a command complained about, without whatever it had already given as the secret. */
function shownStderr(stderr: Buffer, stdout: Buffer): string {
  let text = stderr.toString('utf8').trim();
  for (const line of stdout.toString('utf8').split(/[\r\n]+/)) {
    if (line.trim() !== '') {
      text = text.replaceAll(line.trim(), '[secret]');
    }
  }
  const tail = text.length > MAX_STDERR_SHOWN ? `…${text.slice(-MAX_STDERR_SHOWN)}` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters would reach a terminal.
  return tail.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
