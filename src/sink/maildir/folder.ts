/**
 * The folders of a Maildir (cur, new, tmp): making them, cleaning tmp of what a crash left, and finding messages of ours
 * wherever a reader has put them. It must not know how messages are written.
 */
import { randomBytes } from 'node:crypto';
import { type Dir, lstatSync, opendirSync, readdirSync, statSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, removeFile } from '../disk.ts';
import { makeFolders } from '../durable-folder.ts';
import { formatIdentity, isRunning, parseIdentity, thisProcess } from '../process-identity.ts';
import { isNotFound } from '../sink-error.ts';
import { keyOfName, withoutFlags } from './name.ts';

const TMP_PREFIX = 'mailferry:';
/** A temporary file of another host is left alone for as long as the Maildir convention asks: 36 hours. */
const FOREIGN_TMP_MS = 36 * 60 * 60 * 1000;
/** A reader may rename while a folder is read, and an entry be missed; then it is read again, at most so often. */
const SCANS = 5;
/** Draft, Flagged, Passed, Replied, Seen, Trashed. Dovecot's keywords (lower case) are not among them. */
const FLAGS = 'DFPRST';

/** Makes what is missing and removes temporary files of processes that are gone. @returns whether it holds no message at all */
export async function prepareMaildir(disk: Disk, root: string): Promise<boolean> {
  const [temporary, fresh, seen] = [join(root, 'tmp'), join(root, 'new'), join(root, 'cur')];
  const made = await makeFolders(disk, [temporary, fresh, seen]);
  if (!made.has(temporary)) {
    removeLeftovers(disk, temporary);
  }
  // In this order, as in findByKey: what a reader moves meanwhile is seen in one of them.
  return isEmpty(fresh) && isEmpty(seen);
}

/** Looks at one entry, however many there are. What cannot be read is not known to be empty: whoever has to read it is told why. */
function isEmpty(folder: string): boolean {
  let entries: Dir | undefined;
  try {
    entries = opendirSync(folder);
    return entries.readSync() === null;
  } catch {
    return false;
  } finally {
    entries?.closeSync();
  }
}

function removeLeftovers(disk: Disk, folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(TMP_PREFIX) && isLeftOver(join(folder, name), name)) {
      removeFile(disk, join(folder, name));
    }
  }
}

function isLeftOver(path: string, name: string): boolean {
  const [identity = ''] = name.slice(TMP_PREFIX.length).split('+');
  const maker = parseIdentity(identity);
  const state = maker === undefined ? 'unknown' : isRunning(maker);
  if (state !== 'unknown') {
    return !state;
  }
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > FOREIGN_TMP_MS;
}

/** Names for temporary files: no two alike, in this process or any other. */
export class TemporaryNames {
  readonly #prefix = `${TMP_PREFIX}${formatIdentity(thisProcess())}+${randomBytes(6).toString('hex')}`;
  #count = 0;

  next(): string {
    this.#count++;
    return `${this.#prefix}.${this.#count}`;
  }
}

/**
 * Where messages of ours are whose keys are wanted, by key, relative to the root. Reads both folders once, in pieces;
 * memory grows with what is found.
 */
export async function findByKey(
  root: string,
  isWanted: (key: string) => boolean,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  // In this order: a reader moves from new to cur, and what left new before it was read is in cur when that is.
  for (const folder of ['new', 'cur']) {
    await scanFolder(join(root, folder), (name) => {
      const key = keyOfName(name);
      if (key !== undefined && isWanted(key)) {
        found.set(key, join(folder, name));
      }
    });
  }
  return found;
}

/** Where the message with this base name is now, relative to the root; undefined where it is gone. */
export async function findByBase(root: string, base: string): Promise<string | undefined> {
  // Asking for each name it may have costs the same in a folder of any size; reading the folder does not.
  for (const guess of likelyPlaces(base)) {
    if (lstatSync(join(root, guess), { throwIfNoEntry: false }) !== undefined) {
      return guess;
    }
  }
  let found: string | undefined;
  await scanFolder(join(root, 'cur'), (name) => {
    if (withoutFlags(name) === base) {
      found = join('cur', name);
    }
  });
  return found;
}

function* likelyPlaces(base: string): Generator<string> {
  yield join('new', base);
  yield join('cur', `${base}:2,S`);
  // Every set of the flags that the convention knows, each in the order that it asks for.
  for (let set = 0; set < 2 ** FLAGS.length; set++) {
    yield join('cur', `${base}:2,${[...FLAGS].filter((_, bit) => (set & (2 ** bit)) !== 0).join('')}`);
  }
  yield join('cur', base);
}

async function scanFolder(folder: string, see: (name: string) => void): Promise<void> {
  for (let scan = 0; scan < SCANS; scan++) {
    const before = changeTime(folder);
    try {
      for await (const entry of await opendir(folder, { bufferSize: 1024 })) {
        see(entry.name);
      }
    } catch (thrown) {
      if (!isNotFound(thrown)) {
        throw thrown;
      }
    }
    if (changeTime(folder) === before) {
      return;
    }
  }
}

function changeTime(folder: string): bigint | undefined {
  return statSync(folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs;
}
