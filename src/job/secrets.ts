/**
 * Turns the name of a secret into the secret: an environment variable, a file, a command, or the text in the job itself.
 * Errors and warnings name the source, never the value. Must not know what the secret opens.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MailferryError, systemCodeOf } from '../errors/mailferry-error.ts';
import type { SecretSource } from './job.ts';
import { quoted } from './problems.ts';
import { reasonOf } from './read-text.ts';
import { Secret } from './secret.ts';

/** A password has at most some hundred octets, an access token some thousand. */
const MAX_SECRET_OCTETS = 64 * 1024;
const MAX_STDERR_SHOWN = 400;

export interface ResolveOptions {
  /** Longest time for a file or a command, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Where variables are looked up; by default the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface ResolvedSecret {
  readonly secret: Secret;
  /** What is unwise about its source, each a sentence without the value: a file that others can read. */
  readonly warnings: readonly string[];
}

/** The octets of a secret before they are checked, and how an error names where they came from. */
interface RawSecret {
  readonly octets: Buffer;
  readonly from: string;
  readonly warnings: readonly string[];
}

/**
 * Fetches a secret. Text from a file or a command loses exactly one line end (LF or CRLF) at its end, and a byte order mark.
 * @throws MailferryError scope `account`, retry `never`: `secret-missing` where the source gives nothing (no such variable
 * or file, a command that fails or takes too long), `secret-unusable` where what it gives is empty, too long, not UTF-8, or
 * holds CR, LF or NUL. Throws the signal's reason once it is aborted.
 */
export async function resolveSecret(source: SecretSource, options: ResolveOptions): Promise<ResolvedSecret> {
  options.signal.throwIfAborted();
  switch (source.kind) {
    case 'plain':
      return { secret: checked(source.value, 'the password in the job definition'), warnings: [] };
    case 'env':
      return { secret: fromEnvironment(source.name, options.env ?? process.env), warnings: [] };
    case 'file':
      return fromOctets(await within(options, source.path, readSecretFile(source.path, options)));
    case 'command':
      return fromOctets(await runSecretCommand(source.argv, options));
  }
}

function fromEnvironment(name: string, env: Readonly<Record<string, string | undefined>>): Secret {
  const from = `the environment variable ${quoted(name)}`;
  const value = env[name];
  if (value === undefined) {
    throw missing(
      `${from} is not set`,
      'Set the variable for the user that runs this job, or name another source.',
    );
  }
  return checked(value, from);
}

/** A read from a file system that hangs cannot be ended; it can only be left alone. */
async function within(options: ResolveOptions, path: string, read: Promise<RawSecret>): Promise<RawSecret> {
  const { signal, timeoutMs } = options;
  const { promise, reject } = openPromise<RawSecret>();
  const giveUp = (): void => reject(signal.reason);
  const timer = setTimeout(() => {
    const text = `the secret file ${quoted(path)} could not be read within ${timeoutMs} ms`;
    reject(missing(text, 'See whether the file system that it is on answers.'));
  }, timeoutMs);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([read, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

/** A promise that is settled from outside. */
function openPromise<T>(): { readonly promise: Promise<T>; readonly reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((_resolve, rejectIt) => {
    reject = rejectIt;
  });
  return { promise, reject };
}

async function readSecretFile(path: string, options: ResolveOptions): Promise<RawSecret> {
  const from = `the secret file ${quoted(path)}`;
  let handle: FileHandle | undefined;
  try {
    // O_NONBLOCK: opening a pipe that nobody writes to would otherwise wait for ever, where no deadline reaches it.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (stat.isDirectory()) {
      throw missing(`${from} is a folder; expected a file`, 'Name the file itself.');
    }
    if (!stat.isFile()) {
      throw missing(`${from} is not a regular file`, 'Take a secret from a pipe or device with `command`.');
    }
    const octets = await readAtMost(handle, MAX_SECRET_OCTETS + 1);
    options.signal.throwIfAborted();
    const isPrivate = (stat.mode & 0o077) === 0;
    return { octets, from, warnings: isPrivate ? [] : [readableByOthers(from, stat.mode)] };
  } catch (thrown) {
    if (systemCodeOf(thrown) === undefined || thrown instanceof MailferryError) {
      throw thrown;
    }
    throw missing(
      `${from} ${reasonOf(thrown)}`,
      'Check the path (relative to the job file) and its permissions.',
    );
  } finally {
    await handle?.close();
  }
}

function readableByOthers(from: string, mode: number): string {
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  return `${from} has mode ${octal}, so other users may read it; chmod 600 keeps it to its owner`;
}

async function readAtMost(handle: FileHandle, maxOctets: number): Promise<Buffer> {
  const buffer = Buffer.alloc(maxOctets);
  let length = 0;
  while (length < maxOctets) {
    const { bytesRead } = await handle.read(buffer, length, maxOctets - length, null);
    if (bytesRead === 0) {
      break;
    }
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/** Runs the command without a shell, its standard input closed: a command that wants to ask somebody must not wait. */
function runSecretCommand(argv: readonly [string, ...string[]], options: ResolveOptions): Promise<RawSecret> {
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

function fromOctets(raw: RawSecret): ResolvedSecret {
  if (raw.octets.length > MAX_SECRET_OCTETS) {
    throw unusable(
      `${raw.from} holds more than ${MAX_SECRET_OCTETS} octets`,
      'It must hold the secret and nothing else.',
    );
  }
  return { secret: checked(withoutLineEnd(decoded(raw)), raw.from), warnings: raw.warnings };
}

function decoded(raw: RawSecret): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(raw.octets);
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw thrown;
    }
    throw unusable(`${raw.from} gives something that is not UTF-8`, 'Store the secret as UTF-8 text.');
  }
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** CR and LF would end the command that carries the secret and begin another; NUL separates the fields of SASL PLAIN. */
function checked(value: string, from: string): Secret {
  if (value === '') {
    throw unusable(`${from} is empty`, 'Put the secret there, or name another source.');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (/[\r\n\u0000]/.test(value)) {
    throw unusable(
      `${from} holds a line end or a NUL inside the secret; POP3 cannot carry these`,
      'It must hold the secret alone, on one line; one line end after it is allowed in files and commands.',
    );
  }
  return new Secret(value);
}

function missing(text: string, hint: string): MailferryError {
  return new MailferryError(text, { code: 'secret-missing', scope: 'account', retry: 'never', hint });
}

function unusable(text: string, hint: string): MailferryError {
  return new MailferryError(text, { code: 'secret-unusable', scope: 'account', retry: 'never', hint });
}
