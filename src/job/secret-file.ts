/** Reads a file that holds a secret: for a limited time, a limited length, and telling where others may read it too. */
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { MailferryError, systemCodeOf } from '../errors/mailferry-error.ts';
import { quoted } from './problems.ts';
import { MAX_SECRET_OCTETS, missing, type RawSecret, type ResolveOptions, unusable } from './raw-secret.ts';
import { reasonOf } from './read-text.ts';

/** @throws MailferryError `secret-missing`, `secret-unusable` for a file of more than `maxOctets`. */
export async function readSecretFile(
  path: string,
  options: ResolveOptions,
  maxOctets = MAX_SECRET_OCTETS,
): Promise<RawSecret> {
  const raw = await within(options, path, readFile(path, options, maxOctets));
  if (raw.octets.length > maxOctets) {
    throw unusable(`${raw.from} holds more than ${maxOctets} octets`, 'Name the file that holds the secret.');
  }
  return raw;
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

async function readFile(path: string, options: ResolveOptions, maxOctets: number): Promise<RawSecret> {
  const from = `the secret file ${quoted(path)}`;
  let handle: FileHandle | undefined;
  try {
    // O_NONBLOCK: opening a pipe that nobody writes to would otherwise wait for ever, where no deadline reaches it.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await handle.stat();
    if (found.isDirectory()) {
      throw missing(`${from} is a folder; expected a file`, 'Name the file itself.');
    }
    if (!found.isFile()) {
      throw missing(`${from} is not a regular file`, 'Take a secret from a pipe or device with `command`.');
    }
    const octets = await readAtMost(handle, maxOctets + 1);
    options.signal.throwIfAborted();
    const isPrivate = (found.mode & 0o077) === 0;
    return { octets, from, warnings: isPrivate ? [] : [readableByOthers(from, found.mode)] };
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

/** For a file that is read elsewhere, and is secret all the same. @throws as `stat` */
export async function warnOfReaders(path: string, warn: (text: string) => void): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    warn(readableByOthers(`the file ${quoted(path)}`, mode));
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
