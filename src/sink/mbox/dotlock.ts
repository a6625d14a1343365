/**
 * The lock that mail programs agree on for an mbox: a file beside it, its name with `.lock`, made exclusively. Ours names
 * its process, so that one that a crash left behind can be told and broken. (Node has no fcntl locks; programs that use
 * them use the dotlock too.)
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MailferryError, systemCodeOf } from '../../errors/mailferry-error.ts';
import { NODE_DISK, syncFile } from '../disk.ts';
import { formatIdentity, isRunning, parseIdentity, thisProcess } from '../process-identity.ts';
import { isNotFound } from '../sink-error.ts';

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1000;
/** What file systems without hard links answer. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

export interface Dotlock {
  /**
   * Shows programs that take an old lock for a forgotten one that it is not.
   * @throws MailferryError `sink-lock-lost` (scope account, retry later) where one of them took it away all the same
   */
  touch(): void;
  /** Removes the lock, if it is still ours. Idempotent. */
  release(): void;
}

/**
 * Takes the lock of `file`, waiting with growing pauses for up to `patienceMs`.
 * @throws MailferryError `sink-locked` (scope account, retry later), or what a system call threw
 */
export async function takeDotlock(file: string, patienceMs: number): Promise<Dotlock> {
  const path = `${file}.lock`;
  const deadline = performance.now() + patienceMs;
  // The second line tells ours from that of another sink in this process.
  const text = `${formatIdentity(thisProcess())}\n${randomBytes(8).toString('hex')}\n`;
  for (
    let waitMs = FIRST_WAIT_MS;
    !(await makeLock(path, text));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
  ) {
    if (breakStaleLock(path)) {
      continue;
    }
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) {
      throw lockedError(file, path, patienceMs);
    }
    await delay(Math.min(waitMs, leftMs));
  }
  return new HeldDotlock(path, text);
}

class HeldDotlock implements Dotlock {
  readonly #path: string;
  readonly #text: string;

  constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  touch(): void {
    const now = new Date();
    if (readLock(this.#path) === this.#text) {
      utimesSync(this.#path, now, now);
    } else if (existsSync(dirname(this.#path))) {
      // A folder that is gone is told by whoever opens the file.
      throw lostError(this.#path);
    }
  }

  release(): void {
    if (readLock(this.#path) === this.#text) {
      rmSync(this.#path, { force: true });
    }
  }
}

/**
 * Written and synced beside its place and then linked into it, so that a lock never stands there without saying whose it
 * is, not even after a power cut: an empty one could not be told from another program's, and nobody would break it.
 */
async function makeLock(path: string, text: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    return false;
  }
  const temporary = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    await writeNew(temporary, text);
    linkSync(temporary, path);
    return true;
  } catch (thrown) {
    const code = systemCodeOf(thrown) ?? '';
    return NO_LINKS.includes(code) ? await makeLockWithoutLinks(path, text) : mustExist(thrown);
  } finally {
    rmSync(temporary, { force: true });
  }
}

async function makeLockWithoutLinks(path: string, text: string): Promise<boolean> {
  try {
    await writeNew(path, text);
    return true;
  } catch (thrown) {
    return mustExist(thrown);
  }
}

/** @returns false, for a lock that another one holds */
function mustExist(thrown: unknown): false {
  if (systemCodeOf(thrown) === 'EEXIST') {
    return false;
  }
  throw thrown;
}

async function writeNew(path: string, text: string): Promise<void> {
  const fd = openSync(path, 'wx', 0o600);
  try {
    writeSync(fd, text);
    await syncFile(NODE_DISK, fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Breaks the lock of a process of ours that is gone. It is moved aside first and looked at again: whoever else breaks it
 * at the same moment may have made a new one in its place, and that goes back.
 */
function breakStaleLock(path: string): boolean {
  const stale = readLock(path);
  if (stale === undefined || !isStale(stale)) {
    return false;
  }
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    renameSync(path, aside);
  } catch (thrown) {
    if (isNotFound(thrown)) {
      return true;
    }
    throw thrown;
  }
  if (readLock(aside) === stale) {
    unlinkSync(aside);
    return true;
  }
  linkSync(aside, path);
  unlinkSync(aside);
  return false;
}

function isStale(text: string): boolean {
  const holder = parseIdentity(text.split('\n')[0] ?? '');
  return holder !== undefined && isRunning(holder) === false;
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (thrown) {
    if (isNotFound(thrown)) {
      return undefined;
    }
    throw thrown;
  }
}

/** A process that stood still for long (a suspended laptop) finds others in its place. */
function lostError(path: string): MailferryError {
  return new MailferryError(`the lock ${path} is not ours any more: another program removed or took it`, {
    code: 'sink-lock-lost',
    scope: 'account',
    retry: 'later',
    hint: 'Nothing more is appended without it; the next run takes it anew and goes on.',
  });
}

function lockedError(file: string, path: string, patienceMs: number): MailferryError {
  const holder = (readLock(path) ?? '').split('\n')[0]?.slice(0, 100) ?? '';
  const whose = holder === '' ? '' : ` (it says ${JSON.stringify(holder)})`;
  return new MailferryError(`${file} is locked: ${path}${whose} was there for ${patienceMs / 1000} s`, {
    code: 'sink-locked',
    scope: 'account',
    retry: 'later',
    hint: `Let the program that holds it finish; if none does, remove ${path}.`,
  });
}
