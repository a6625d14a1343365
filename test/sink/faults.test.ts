/**
 * System calls that fail: what is told of it, that nothing counts as stored, and that the next try stores everything once.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Disk, NODE_DISK } from '../../src/sink/disk.ts';
import type { SinkArchive } from '../../src/sink/sink.ts';
import { sinkError } from '../../src/sink/sink-error.ts';
import { ALICE, type SinkHarness, storable, storeAndRecord, TestJournal } from '../contract/sink-contract.ts';
import { faultyDisk } from './dying-disk.ts';
import { maildirHarness, mboxHarness } from './harnesses.ts';

const NO_ABORT = new AbortController().signal;
const FIRST = [storable('before\r\n', '0')];
const BATCH = Array.from({ length: 5 }, (_, n) => storable(`message ${n}\r\nFrom x\r\n`, String(n + 1)));

let folder: string;
let journal: TestJournal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-faults-'));
  journal = new TestJournal();
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function openWith(harness: SinkHarness): Promise<SinkArchive> {
  return harness.openSink().openArchive(ALICE, journal);
}

const MAILDIR_FAULTS: readonly (readonly [keyof Disk, number, string, string])[] = [
  ['open', 3, 'ENOSPC', 'sink-full'],
  ['open', 2, 'EMFILE', 'sink-too-many-files'],
  ['write', 1, 'ENOSPC', 'sink-full'],
  ['write', 4, 'EDQUOT', 'sink-full'],
  ['write', 2, 'EROFS', 'sink-read-only'],
  ['sync', 1, 'EIO', 'sink-io'],
  ['sync', 5, 'EIO', 'sink-io'],
  ['sync', 6, 'EIO', 'sink-io'],
  ['rename', 1, 'EACCES', 'sink-denied'],
  ['rename', 4, 'ENOSPC', 'sink-full'],
];

const MBOX_FAULTS: readonly (readonly [keyof Disk, number, string, string])[] = [
  ['open', 1, 'EMFILE', 'sink-too-many-files'],
  ['truncate', 1, 'EFBIG', 'sink-full'],
  ['write', 1, 'ENOSPC', 'sink-full'],
  ['syncData', 1, 'EIO', 'sink-io'],
];

const SINKS = [
  { name: 'a Maildir', harness: maildirHarness, faults: MAILDIR_FAULTS },
  { name: 'an mbox', harness: mboxHarness, faults: MBOX_FAULTS },
];

it('a folder that could not be made durable is made anew, and synced, at the next try', async () => {
  const failing = maildirHarness(folder, faultyDisk('sync', 1, 'EIO').disk);
  await expect(openWith(failing)).rejects.toMatchObject({ code: 'sink-io', scope: 'sink' });
  const left = readdirSync(folder);
  const { disk, calls } = faultyDisk('sync', 100, 'EIO');
  const archive = await openWith(maildirHarness(folder, disk));
  expect([left, calls.includes('sync')]).toEqual([[], true]);
  await storeAndRecord(archive, journal, FIRST);
});

describe.each(SINKS)('$name', ({ harness, faults }) => {
  it.each(faults)(
    'where %s number %i fails with %s throws %s, and stores all of it at the next try',
    async (call, nth, code, expected) => {
      let disk: Disk = NODE_DISK;
      const switched = Object.fromEntries(
        Object.keys(NODE_DISK).map((name) => [
          name,
          (...parameters: unknown[]) => Reflect.get(disk, name)(...parameters),
        ]),
      );
      // The calls are those of NODE_DISK, under the same names.
      const healthy = harness(folder, switched as unknown as Disk);
      const archive = await openWith(healthy);
      await storeAndRecord(archive, journal, FIRST);
      disk = faultyDisk(call, nth, code).disk;
      await expect(archive.store(BATCH, NO_ABORT)).rejects.toMatchObject({ code: expected, scope: 'sink' });
      disk = NODE_DISK;
      const receipts = await storeAndRecord(archive, journal, BATCH);
      for (const receipt of receipts) {
        expect(await archive.verify(receipt)).toEqual({ kind: 'intact' });
      }
      expect(healthy.count(archive.root)).toBe(FIRST.length + BATCH.length);
      await archive.close();
    },
  );
});

it('a Maildir leaves nothing in tmp after a failed batch', async () => {
  const archive = await openWith(maildirHarness(folder, faultyDisk('write', 3, 'ENOSPC').disk));
  await expect(archive.store(BATCH, NO_ABORT)).rejects.toMatchObject({ code: 'sink-full' });
  expect(readdirSync(join(archive.root, 'tmp'))).toEqual([]);
  expect(readdirSync(join(archive.root, 'new'))).toEqual([]);
  await archive.close();
});

it('an mbox is cut back to its length before a failed batch', async () => {
  const archive = await openWith(mboxHarness(folder, faultyDisk('syncData', 2, 'EIO').disk));
  await storeAndRecord(archive, journal, FIRST);
  const before = readFileSync(archive.root, 'latin1');
  await expect(archive.store(BATCH, NO_ABORT)).rejects.toMatchObject({ code: 'sink-io' });
  expect(readFileSync(archive.root, 'latin1')).toBe(before);
  await archive.close();
});

describe('a failed system call', () => {
  it.each([
    ['ENOSPC', 'sink-full', 'never'],
    ['EDQUOT', 'sink-full', 'never'],
    ['EROFS', 'sink-read-only', 'never'],
    ['EACCES', 'sink-denied', 'never'],
    ['EMFILE', 'sink-too-many-files', 'later'],
    ['EIO', 'sink-io', 'never'],
    ['EWHATEVER', 'sink-io', 'never'],
  ])('%s is %s, to be tried again %s', (code, expected, retry) => {
    const error = sinkError('write x', Object.assign(new Error('text'), { code }));
    expect(error).toMatchObject({ code: expected, scope: 'sink', retry, hint: expect.any(String) });
    expect(error.message).toBe('cannot write x: text');
  });

  it('that is graded already stays as it is', () => {
    const error = sinkError('a', new Error('b'));
    expect(error.code).toBe('sink-unexpected');
    expect(sinkError('c', error)).toBe(error);
  });
});

/** A file system of 1 MiB, where there is the right to mount one. */
function mountTiny(path: string): boolean {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]);
  return status === 0;
}

const canMount = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/bin/mount');

describe.skipIf(!canMount)('a disk that is really full (needs root, to mount one)', () => {
  it.each(SINKS)('stops $name, and what was recorded stays', async ({ harness }) => {
    if (!mountTiny(folder)) {
      throw new Error('a tmpfs cannot be mounted');
    }
    try {
      const tiny = harness(join(folder, 'store'), NODE_DISK);
      const archive = await openWith(tiny);
      const receipts = await storeAndRecord(archive, journal, FIRST);
      const large = [storable('x'.repeat(2_000_000), 'large')];
      await expect(archive.store(large, NO_ABORT)).rejects.toMatchObject({ code: 'sink-full' });
      receipts.push(...(await storeAndRecord(archive, journal, BATCH)));
      for (const receipt of receipts) {
        expect(await archive.verify(receipt)).toEqual({ kind: 'intact' });
      }
      expect(tiny.count(archive.root)).toBe(receipts.length);
      await archive.close();
    } finally {
      spawnSync('umount', [folder]);
    }
  });
});
