/**
 * The file that keeps a refresh token: read by its owner alone, and replaced whole, since a provider that has given a new token may
 * not take the old one again.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MailferryError, systemCodeOf, textOf } from '../../errors/mailferry-error.ts';
import { unusable } from '../raw-secret.ts';
import { Secret } from '../secret.ts';
import { warnOfReaders } from '../secret-file.ts';

/** @returns undefined where there is none yet. @throws MailferryError `oauth-store`, `secret-unusable` */
export async function readStoredToken(
  path: string,
  warn: (text: string) => void,
): Promise<Secret | undefined> {
  const token = (await readStore(path, warn)).trim();
  if (/\p{Cc}/u.test(token)) {
    throw unusable(`the refresh token in ${path} is more than one line`, 'Remove the file and log in anew.');
  }
  return token === '' ? undefined : new Secret(token);
}

async function readStore(path: string, warn: (text: string) => void): Promise<string> {
  try {
    await warnOfReaders(path, warn);
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') {
      return '';
    }
    throw storeError(`cannot read the refresh token in ${path}`, cause);
  }
}

/** Durable when it returns. @throws MailferryError `oauth-store` */
export function storeToken(path: string, token: Secret): void {
  const temporary = `${path}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, `${token.reveal()}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    const folder = openSync(dirname(path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (cause) {
    throw storeError(`cannot store the new refresh token in ${path}`, cause);
  }
}

function storeError(what: string, cause: unknown): MailferryError {
  return new MailferryError(`${what}: ${textOf(cause)}`, {
    code: 'oauth-store',
    scope: 'account',
    retry: 'never',
    hint: '`store` must be a file in a folder that the job may write to',
    cause,
  });
}
