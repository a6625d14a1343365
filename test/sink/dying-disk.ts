/**
 * A disk that fails. A fault is one failed call; a death is the end of the process: from that call on nothing reaches the
 * disk any more, not even what would clean up.
 */
import { type Disk, NODE_DISK, type SyncDone } from '../../src/sink/disk.ts';

export class Dead extends Error {}

export interface FaultyDisk {
  readonly disk: Disk;
  /** Calls so far, in order, as `open`, `write`, `sync`… */
  readonly calls: Call[];
  /** Counts a step that is none of the disk's, and fails it like one. */
  step(): void;
}

type Call = keyof Disk | 'step';

/** @param before is asked before each call, with its name and its number from 1; it throws to make the call fail */
export function diskWith(before: (call: Call, number: number) => void): FaultyDisk {
  const calls: Call[] = [];
  const note = (call: Call): void => {
    calls.push(call);
    before(call, calls.length);
  };
  const counted =
    <Parameters extends unknown[], Result>(call: keyof Disk, run: (...parameters: Parameters) => Result) =>
    (...parameters: Parameters): Result => {
      note(call);
      return run(...parameters);
    };
  /** A sync that fails tells it as a real one does. */
  const noted = (call: keyof Disk, done: SyncDone, sync: () => void): void => {
    try {
      note(call);
    } catch (thrown) {
      setImmediate(done, thrown as Error);
      return;
    }
    sync();
  };
  const disk: Disk = {
    open: counted('open', NODE_DISK.open),
    write: counted('write', NODE_DISK.write),
    truncate: counted('truncate', NODE_DISK.truncate),
    rename: counted('rename', NODE_DISK.rename),
    unlink: counted('unlink', NODE_DISK.unlink),
    // A dead process closes its files too.
    close: NODE_DISK.close,
    sync: (fd, done) => noted('sync', done, () => NODE_DISK.sync(fd, done)),
    syncData: (fd, done) => noted('syncData', done, () => NODE_DISK.syncData(fd, done)),
  };
  return { disk, calls, step: () => note('step') };
}

/** Dies at the call with this number; the write that it dies at leaves half of its octets behind. */
export function dyingDisk(atCall: number): FaultyDisk {
  const { disk, calls, step } = diskWith((call, number) => {
    if (number > atCall || (number === atCall && call !== 'write')) {
      throw new Dead(`died before ${call} ${number}`);
    }
  });
  const write: Disk['write'] = (fd, octets, start, length, position) => {
    const isLast = calls.length + 1 === atCall;
    const written = disk.write(fd, octets, start, isLast ? Math.ceil(length / 2) : length, position);
    if (isLast) {
      throw new Dead('died amid a write');
    }
    return written;
  };
  return { disk: { ...disk, write }, calls, step };
}

/** The n-th call of one kind fails with a system error; all others work. */
export function faultyDisk(call: keyof Disk, nth: number, code: string): FaultyDisk {
  let seen = 0;
  return diskWith((name) => {
    if (name === call && ++seen === nth) {
      throw Object.assign(new Error(`${code}: injected, ${call}`), { code });
    }
  });
}
