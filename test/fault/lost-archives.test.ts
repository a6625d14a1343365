/** What an earlier run proved and a sink has lost since is not deleted at the source. */
import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DELETE_ALL, FaultBed } from './support/fault-bed.ts';

const USERS = ['alice'];
const MESSAGES = 5;
const LATER = { deletion: { ...DELETE_ALL, ageMs: 3_600_000 } };

const left = (bed: FaultBed): number => bed.server.mailbox('alice').entries.length;
const sinksOf = (bed: FaultBed): string => join(bed.folder, 'sinks');

/** Archived and verified, too young to be deleted. */
async function archivedBefore(): Promise<FaultBed> {
  const bed = await FaultBed.make({ users: USERS });
  expect(await bed.run(undefined, LATER)).toMatchObject({
    outcome: 'done',
    counts: { archivedNow: MESSAGES },
  });
  expect(left(bed)).toBe(MESSAGES);
  return bed;
}

function newMessages(bed: FaultBed): string[] {
  const folder = join(sinksOf(bed), 'alice', 'new');
  return readdirSync(folder).map((name) => join(folder, name));
}

describe('before DELE, what an earlier run archived', () => {
  it('is read back, and deleted without being fetched again where every sink holds it', async () => {
    await using bed = await archivedBefore();
    expect(await bed.run()).toMatchObject({ outcome: 'done' });
    expect([left(bed), bed.server.record.count('RETR')]).toEqual([0, MESSAGES]);
    expect(bed.unfinished()).toEqual([]);
  });

  it.each([
    [
      'the folder of all sinks is gone',
      (bed: FaultBed) => rmSync(sinksOf(bed), { recursive: true }),
      MESSAGES,
    ],
    [
      'another disk is mounted there',
      (bed: FaultBed) => renameSync(sinksOf(bed), `${sinksOf(bed)}-elsewhere`),
      MESSAGES,
    ],
    ['one file of the Maildir is gone', (bed: FaultBed) => rmSync(newMessages(bed)[0] ?? ''), 1],
    [
      'one file of the Maildir is changed',
      (bed: FaultBed) => appendFileSync(newMessages(bed)[0] ?? '', 'x'),
      1,
    ],
    ['the mbox is cut', (bed: FaultBed) => truncateSync(join(sinksOf(bed), 'alice.mbox'), 10), MESSAGES],
    ['the mbox is a folder', makeFolderOfMbox, MESSAGES],
  ])('stays on the server where %s', async (_name, harm, kept) => {
    await using bed = await archivedBefore();
    harm(bed);
    expect(await bed.run()).toMatchObject({ outcome: 'failed', counts: { archivedBefore: MESSAGES } });
    expect(left(bed)).toBe(kept);
    expect(bed.broken().filter((text) => !text.startsWith('lost'))).toEqual([]);
    expect(bed.events).toContainEqual(
      expect.objectContaining({
        type: 'logged',
        level: 'warn',
        account: 'alice',
        text: expect.stringContaining('mailferry verify'),
      }),
    );
    expect(bed.events).toContainEqual(
      expect.objectContaining({
        type: 'account.deleted',
        deleted: MESSAGES - kept,
        kept: { 'not held': kept },
      }),
    );
  });

  it('is deleted once the disk is back', async () => {
    await using bed = await archivedBefore();
    const folder = sinksOf(bed);
    renameSync(folder, `${folder}-elsewhere`);
    expect(await bed.run()).toMatchObject({ outcome: 'failed' });
    rmSync(folder, { recursive: true, force: true });
    renameSync(`${folder}-elsewhere`, folder);
    expect(await bed.run()).toMatchObject({ outcome: 'done' });
    expect(bed.unfinished()).toEqual([]);
  });
});

function makeFolderOfMbox(bed: FaultBed): void {
  const file = join(sinksOf(bed), 'alice.mbox');
  rmSync(file);
  mkdirSync(file);
}

it('an mbox whose lock another program took away gets nothing more, and the next run goes on', async () => {
  await using bed = await FaultBed.make({ users: USERS });
  let isTaken = false;
  const onEvent = ({ type }: { type: string }): void => {
    if (type === 'message.archived' && !isTaken) {
      isTaken = true;
      rmSync(join(sinksOf(bed), 'alice.mbox.lock'));
    }
  };
  const batch = { messages: 1, octets: 1_000_000 };
  expect(await bed.run(undefined, { onEvent, batch })).toMatchObject({ outcome: 'waiting' });
  expect(bed.events).toContainEqual(
    expect.objectContaining({ failure: expect.objectContaining({ code: 'sink-lock-lost' }) }),
  );
  expect(bed.mbox('alice')).toHaveLength(1);
  expect([bed.server.record.count('DELE'), bed.broken()]).toEqual([0, []]);
  expect(await bed.run()).toMatchObject({ outcome: 'done' });
  expect(bed.unfinished()).toEqual([]);
});
