/**
 * Keeps what a probe found, with its date, in the job's state folder, so that not every run asks again. A file that cannot
 * be read, is older than a month, or was found out with other credentials is as good as none. It must not ask a store itself.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { systemCodeOf } from '../../errors/mailferry-error.ts';
import { sinkError } from '../sink-error.ts';
import type { Abilities } from './abilities.ts';

const MAX_AGE_MS = 30 * 86_400_000;

/** The words that each entry may be. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  conditionalPut: ['kept', 'ignored', 'refused'],
  checksum: ['kept', 'unchecked', 'absent', 'denied'],
  signedPayload: ['kept', 'ignored'],
  read: ['allowed', 'denied', 'wrong'],
  contentMd5: ['asked', 'not-asked'],
  etag: ['md5', 'other'],
};

/** @returns undefined where nothing (or nothing that is still believed) is known of what these credentials may do. */
export async function readAbilities(
  path: string,
  now: number,
  identity: string,
): Promise<Abilities | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') {
      return undefined;
    }
    throw sinkError(`read ${path}`, thrown);
  }
  const found = parse(text);
  if (found === undefined || found.identity !== identity) {
    return undefined;
  }
  return now - found.probedAt < MAX_AGE_MS && found.probedAt <= now ? found : undefined;
}

/** Another file first, so that a crash leaves the old or the new one. */
export async function writeAbilities(path: string, abilities: Abilities): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(abilities, null, 2)}\n`, { mode: 0o600, flush: true });
    await rename(temporary, path);
  } catch (thrown) {
    throw sinkError(`write ${path}`, thrown);
  }
}

function parse(text: string): Abilities | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    // Torn or edited: the store is asked again.
    return undefined;
  }
  return isAbilities(found) ? found : undefined;
}

function isAbilities(value: unknown): value is Abilities {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const entries = new Map<string, unknown>(Object.entries(value));
  const isListed = ([key, words]: [string, readonly string[]]): boolean => {
    const entry = entries.get(key);
    return typeof entry === 'string' && words.includes(entry);
  };
  const hasIdentity = typeof entries.get('identity') === 'string';
  return (
    hasIdentity && Number.isSafeInteger(entries.get('probedAt')) && Object.entries(WORDS).every(isListed)
  );
}
