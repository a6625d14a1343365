/**
 * The job's state folder: made for its owner alone, and durable before anything is promised in it.
 * It must not open a file that SQLite may have open: see job-lock.ts.
 */
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemCodeOf } from '../errors/mailferry-error.ts';
import { ledgerError } from './ledger-error.ts';

/** The ledger's file name inside the state folder. */
export const LEDGER_FILE = 'ledger.db';

/** Makes the folder (0700) and what is missing above it; an existing one keeps its mode. @throws MailferryError `ledger-io`. */
export function makeStateFolder(statePath: string): void {
  try {
    const first = mkdirSync(statePath, { recursive: true, mode: 0o700 });
    if (first === undefined) {
      return;
    }
    // A new folder survives a power cut only once the folder that names it is synced.
    const top = dirname(first);
    for (let folder = resolve(statePath); folder !== top; ) {
      folder = dirname(folder);
      syncFolder(folder);
    }
  } catch (thrown) {
    throw ledgerError(thrown, statePath);
  }
}

/** Creates an empty file (0600) where there is none, so that SQLite does not choose its mode; leaves any other alone. */
export function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'EEXIST') {
      throw ledgerError(thrown, path);
    }
  }
}

function syncFolder(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
