/**
 * The system calls that sinks write with, in one place, so that a test can make any of them fail. Nothing here decides.
 *
 * Calls that only touch the page cache are synchronous: for files of a few KB they take less time than a promise. Whatever
 * waits for the disk is asynchronous and runs on the thread pool, many at a time.
 */
import {
  closeSync,
  fdatasync,
  fsync,
  ftruncateSync,
  type NoParamCallback,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { isNotFound } from './sink-error.ts';

export interface Disk {
  open(path: string, flags: 'r' | 'r+' | 'wx' | 'wx+', mode: number): number;
  /** Writes at a position of the file; returns how many octets were taken, which may be fewer. */
  write(fd: number, octets: Buffer, start: number, length: number, position: number): number;
  truncate(fd: number, length: number): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  close(fd: number): void;
  sync(fd: number): Promise<void>;
  syncData(fd: number): Promise<void>;
}

export const NODE_DISK: Disk = {
  open: openSync,
  write: writeSync,
  truncate: ftruncateSync,
  rename: renameSync,
  unlink: unlinkSync,
  close: closeSync,
  sync: asPromise(fsync),
  syncData: asPromise(fdatasync),
};

/** What `promisify` does, for less: this runs for every file of a Maildir. */
function asPromise(sync: (fd: number, callback: NoParamCallback) => void): (fd: number) => Promise<void> {
  return (fd) =>
    new Promise((resolve, reject) => {
      sync(fd, (error) => (error === null ? resolve() : reject(error)));
    });
}

/** Writes all of it, in as many calls as it takes. */
export function writeAll(disk: Disk, fd: number, octets: Buffer, position: number): void {
  for (let at = 0; at < octets.length; ) {
    at += disk.write(fd, octets, at, octets.length - at, position + at);
  }
}

/** Makes the entries of a folder durable. */
export async function syncFolder(disk: Disk, path: string): Promise<void> {
  const fd = disk.open(path, 'r', 0);
  try {
    await disk.sync(fd);
  } finally {
    disk.close(fd);
  }
}

/** Removes a file that may be gone already. */
export function removeFile(disk: Disk, path: string): void {
  try {
    disk.unlink(path);
  } catch (thrown) {
    if (!isNotFound(thrown)) {
      throw thrown;
    }
  }
}
