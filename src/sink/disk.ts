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
  sync(fd: number, done: SyncDone): void;
  syncData(fd: number, done: SyncDone): void;
}

/** Told once, when a sync is over. */
export type SyncDone = (error: Error | null) => void;

export const NODE_DISK: Disk = {
  open: openSync,
  write: writeSync,
  truncate: ftruncateSync,
  rename: renameSync,
  unlink: unlinkSync,
  close: closeSync,
  sync: fsync,
  syncData: fdatasync,
};

/**
 * Syncs files side by side, and waits for all. One callback serves them all: nobody waits for a single one.
 * @throws the first failure, when all are over
 */
export function syncFiles(disk: Disk, fds: readonly number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    let left = fds.length;
    const done: SyncDone = (error) => {
      failure ??= error;
      left -= 1;
      if (left === 0) {
        settle(failure, resolve, reject);
      }
    };
    if (left === 0) {
      resolve();
    }
    for (const fd of fds) {
      disk.sync(fd, done);
    }
  });
}

export function syncFile(disk: Disk, fd: number): Promise<void> {
  return syncFiles(disk, [fd]);
}

/** Gives the octets of a file, and its length, to the disk. */
export function syncData(disk: Disk, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    disk.syncData(fd, (error) => settle(error, resolve, reject));
  });
}

function settle(failure: Error | null, resolve: () => void, reject: (failure: Error) => void): void {
  if (failure === null) {
    resolve();
  } else {
    reject(failure);
  }
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
    await syncFile(disk, fd);
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
