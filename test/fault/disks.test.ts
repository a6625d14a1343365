/** Real file systems that are full, read-only or gone, below the sinks, the ledger and the spool, with deletion on. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exitCodeOfError, exitCodeOfOutcome } from '../../src/cli/exit-code.ts';
import type { FailureNote } from '../../src/ledger/ledger.ts';
import { FaultBed } from './support/fault-bed.ts';
import { FaultTally } from './support/tally.ts';
import { mountGate, ReadOnlyFolder, TinyDisk } from './support/tiny-disk.ts';

const USERS = ['alice'];
const KIB = 1024;
const MIB = 1024 * KIB;
const tally = new FaultTally('file systems');

afterAll(() => tally.print());

/** So many messages of 64 KiB. */
function largeMessages(count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(`Subject: large ${index}\r\n\r\n${`${'x'.repeat(62)}\r\n`.repeat(KIB)}`),
  );
}

/** The exit code of a run, and what it said about the account or, where there was no run, about itself. */
async function runOf(
  bed: FaultBed,
): Promise<{ code: number; failure: FailureNote | undefined; hint: string | undefined }> {
  tally.add('disturbed runs');
  try {
    const { outcome } = await bed.run();
    const finished = bed.events.find((event) => event.type === 'account.finished');
    return { code: exitCodeOfOutcome(outcome), failure: finished?.failure, hint: finished?.hint };
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && 'hint' in thrown) {
      const failure = { code: String(thrown.code), text: thrown.message };
      return { code: exitCodeOfError(thrown), failure, hint: String(thrown.hint) };
    }
    throw thrown;
  }
}

async function expectMended(bed: FaultBed): Promise<void> {
  expect(bed.broken()).toEqual([]);
  expect(await bed.run()).toMatchObject({ outcome: 'done' });
  expect(bed.unfinished()).toEqual([]);
  expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 0 } });
}

describe('the file system of the sinks', () => {
  mountGate.it('that is full stops the sink: exit code 3, what to do, and the rest next time', async () => {
    await using bed = await FaultBed.make({ users: USERS, messages: largeMessages(40) });
    using disk = new TinyDisk(join(bed.folder, 'sinks'), 2 * MIB);
    expect(await runOf(bed)).toEqual({
      code: 3,
      failure: { code: 'sink-full', text: expect.stringMatching(/cannot .*ENOSPC/) },
      hint: expect.stringContaining('Make room'),
    });
    expect(bed.server.record.count('DELE')).toBe(0);
    expect(bed.broken()).toEqual([]);
    expect((await runOf(bed)).code).toBe(3);
    disk.enlarge(64 * MIB);
    await expectMended(bed);
  });

  mountGate.it('that is read-only: exit code 3, and what to do', async () => {
    await using bed = await FaultBed.make({ users: USERS });
    using disk = new TinyDisk(join(bed.folder, 'sinks'), 8 * MIB);
    disk.makeReadOnly();
    expect(await runOf(bed)).toMatchObject({
      code: 3,
      failure: { code: 'sink-read-only', text: expect.stringContaining('EROFS') },
      hint: expect.stringContaining('Mount'),
    });
    disk.makeWritable();
    await expectMended(bed);
  });

  mountGate.it(
    'that becomes read-only between two runs does not keep what it holds from being deleted',
    async () => {
      await using bed = await FaultBed.make({ users: USERS });
      using disk = new TinyDisk(join(bed.folder, 'sinks'), 8 * MIB);
      expect(await bed.run(undefined, { deletion: undefined })).toMatchObject({ outcome: 'done' });
      disk.makeReadOnly();
      expect(await runOf(bed)).toMatchObject({ code: 0 });
      disk.makeWritable();
      expect(bed.unfinished()).toEqual([]);
    },
  );

  it('whose folder vanishes during the run: exit code 3, nothing of it is deleted, and --refetch is named', async () => {
    await using bed = await FaultBed.make({ users: USERS });
    let isGone = false;
    const onEvent = ({ type }: { type: string }): void => {
      if (type === 'message.archived' && !isGone) {
        isGone = true;
        rmSync(join(bed.folder, 'sinks'), { recursive: true });
      }
    };
    const { outcome } = await bed.run(undefined, { onEvent, batch: { messages: 1, octets: MIB } });
    tally.add('disturbed runs');
    expect(outcome).toBe('failed');
    expect(bed.events).toContainEqual(
      expect.objectContaining({
        type: 'account.finished',
        failure: expect.objectContaining({ code: 'sink-no-folder' }),
        hint: expect.any(String),
      }),
    );
    expect(bed.server.record.count('DELE')).toBe(0);
    // The next run stores the rest, and does not delete what it can no longer read.
    expect((await runOf(bed)).code).toBe(3);
    expect(bed.broken()).toEqual([]);
    expect(bed.server.mailbox('alice').entries.length).toBeGreaterThan(0);
  });
});

describe('the file system of the state folder', () => {
  mountGate.it(
    'that is full when the run begins: exit code 3, nothing fetched, and the next run does it',
    async () => {
      await using bed = await FaultBed.make({ users: USERS });
      using disk = new TinyDisk(join(bed.folder, 'state'), MIB);
      disk.fill();
      const { code, failure, hint } = await runOf(bed);
      expect([code, hint]).toEqual([3, expect.stringContaining('room')]);
      expect(['ledger-full', 'ledger-io']).toContain(failure?.code);
      expect(bed.server.record.count('RETR')).toBe(0);
      disk.makeRoom();
      disk.enlarge(32 * MIB);
      await expectMended(bed);
    },
  );

  mountGate.it(
    'that becomes full between two commits: nothing is deleted without being recorded',
    async () => {
      await using bed = await FaultBed.make({ users: USERS });
      for (const event of ['account.started', 'account.listed', 'message.archived'] as const) {
        using disk = new TinyDisk(join(bed.folder, 'state'), 2 * MIB);
        let isFull = false;
        const onEvent = ({ type }: { type: string }): void => {
          if (type === event && !isFull) {
            isFull = true;
            disk.fill();
          }
        };
        const code = await bed
          .run(undefined, { onEvent, batch: { messages: 1, octets: MIB } })
          .then(({ outcome }) => exitCodeOfOutcome(outcome), exitCodeOfError);
        tally.add('disturbed runs');
        expect([0, 3], event).toContain(code);
        expect(bed.broken(), event).toEqual([]);
      }
    },
  );

  mountGate.it(
    'that has no room for the spool: exit code 3, small messages are archived, the large one next time',
    async () => {
      await using bed = await FaultBed.make({ users: USERS });
      using disk = new TinyDisk(join(bed.folder, 'state', 'spool'), 32 * KIB);
      expect(await runOf(bed)).toMatchObject({
        code: 3,
        failure: { code: 'spool-disk-full', text: expect.stringContaining('ENOSPC') },
        hint: expect.stringContaining('Make room'),
      });
      expect(bed.server.record.count('QUIT')).toBe(0);
      disk.enlarge(8 * MIB);
      await expectMended(bed);
    },
  );

  mountGate.it('that is read-only: exit code 3, with its path and what to do', async () => {
    await using bed = await FaultBed.make({ users: USERS });
    const path = join(bed.folder, 'state');
    expect(await bed.run(undefined, { deletion: undefined })).toMatchObject({ outcome: 'done' });
    {
      using _readOnly = new ReadOnlyFolder(path);
      expect(await runOf(bed)).toMatchObject({
        code: 3,
        failure: { code: 'ledger-io', text: expect.stringContaining(path) },
        hint: expect.stringContaining('permissions'),
      });
    }
    expect(bed.server.record.count('DELE')).toBe(0);
    await expectMended(bed);
  });
});
