/** Servers that lie about deletion, about what they show, and about sizes: nothing is lost, nothing is twice, with delete on. */
import { describe, expect, it } from 'vitest';
import {
  deletesOnDrop,
  deletesRetrieved,
  quitIgnored,
  showsOnly,
} from '../../src/demo/mailbox-misbehaviour.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import type { Misbehaviour } from '../../src/demo/misbehaviour-switch.ts';
import { diskWith } from '../sink/dying-disk.ts';
import { FaultBed } from './support/fault-bed.ts';

const USERS = ['alice'];
const MESSAGES = 5;

async function expectClean(bed: FaultBed): Promise<void> {
  bed.server.misbehaviour.allOff();
  expect(await bed.run()).toMatchObject({ outcome: 'done' });
  expect(bed.unfinished()).toEqual([]);
  const before = bed.snapshot();
  expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 0 } });
  expect(bed.snapshot()).toEqual(before);
}

/** A disk on which the third sync fails: a part of the messages was retrieved and is in no sink. */
const brokenDisk = () => {
  let syncs = 0;
  return diskWith((call) => {
    if (call === 'sync' && ++syncs >= 3) {
      throw Object.assign(new Error('EIO: injected'), { code: 'EIO' });
    }
  }).disk;
};

interface ServerCase {
  readonly misbehaviour: Misbehaviour;
  readonly outcome: 'done' | 'waiting' | 'failed';
}

const CASES: readonly ServerCase[] = [
  { misbehaviour: wrong.quitRefused(), outcome: 'waiting' },
  { misbehaviour: wrong.quitRefused('-ERR'), outcome: 'waiting' },
  { misbehaviour: wrong.quitUnanswered({ isCommitted: true }), outcome: 'waiting' },
  { misbehaviour: wrong.quitUnanswered({ isCommitted: false, ending: 'rst' }), outcome: 'waiting' },
  { misbehaviour: wrong.quitLeavesOpen(), outcome: 'done' },
  { misbehaviour: quitIgnored(), outcome: 'done' },
  { misbehaviour: wrong.deleIgnored(), outcome: 'done' },
  { misbehaviour: wrong.deleIgnored({ message: 2 }), outcome: 'done' },
  { misbehaviour: deletesRetrieved(), outcome: 'done' },
  { misbehaviour: deletesOnDrop(), outcome: 'done' },
  { misbehaviour: wrong.endedAfter({ verb: 'DELE', message: 3 }), outcome: 'waiting' },
  { misbehaviour: wrong.silent({ verb: 'DELE', message: 3 }), outcome: 'waiting' },
  { misbehaviour: showsOnly((all) => all.slice(0, 2)), outcome: 'done' },
  { misbehaviour: showsOnly((all) => all.slice(-2)), outcome: 'done' },
  { misbehaviour: wrong.wrongSizes((octets) => octets + 7), outcome: 'done' },
];

describe('Q31, Q38, Q39, Q40, Q52, RFC-63, RFC-65: a server that does not do what it says', () => {
  it.each(CASES.map((each) => ({ ...each, name: each.misbehaviour.name })))(
    '$name: the run is $outcome, and nothing is fetched twice by the next one',
    async ({ misbehaviour, outcome }) => {
      await using bed = await FaultBed.make({ users: USERS, misbehaviour: [misbehaviour] });
      expect(await bed.run(undefined, { timeoutMs: 500 })).toMatchObject({ outcome });
      expect(bed.broken()).toEqual([]);
      expect(await bed.run(undefined, { timeoutMs: 500 })).toBeDefined();
      expect(bed.broken()).toEqual([]);
      await expectClean(bed);
      expect(bed.server.record.count('RETR')).toBe(MESSAGES);
    },
  );

  it('RFC-64: that commits DELEs when the connection drops has only been told to delete what is proved', async () => {
    const misbehaviour = [deletesOnDrop(), wrong.endedAfter({ verb: 'DELE', message: 3 })];
    await using bed = await FaultBed.make({ users: USERS, misbehaviour });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: MESSAGES } });
    expect(bed.server.mailbox('alice').entries.length).toBeLessThan(MESSAGES);
    expect(bed.broken()).toEqual([]);
    await expectClean(bed);
  });
});

describe('Q32, Q40, RFC-61: a server that removes at QUIT what was retrieved (EXPIRE 0)', () => {
  const misbehaviour = [deletesRetrieved(), wrong.withoutCapability('EXPIRE'), wrong.announced('EXPIRE 0')];

  it('is warned of, and never gets a QUIT while a retrieved message is not archived', async () => {
    await using bed = await FaultBed.make({ users: USERS, misbehaviour });
    expect(await bed.run(brokenDisk(), { deletion: undefined })).toMatchObject({ outcome: 'failed' });
    expect([bed.server.record.count('QUIT'), bed.server.mailbox('alice').entries.length]).toEqual([
      0,
      MESSAGES,
    ]);
    expect(bed.events).toContainEqual(
      expect.objectContaining({ type: 'logged', level: 'warn', text: expect.stringContaining('EXPIRE 0') }),
    );
    await expectClean(bed);
  });

  it('loses nothing by a job that deletes nothing itself', async () => {
    await using bed = await FaultBed.make({ users: USERS, misbehaviour });
    expect(await bed.run(undefined, { deletion: undefined })).toMatchObject({ outcome: 'done' });
    expect(bed.server.mailbox('alice').entries).toEqual([]);
    expect(bed.unfinished()).toEqual([]);
    await expectClean(bed);
  });

  it('keeps a message at which the session broke, though another session of the run ends by QUIT', async () => {
    const cut = wrong.stoppedBeforeTerminator({ verb: 'RETR', message: 4, times: 2 });
    await using bed = await FaultBed.make({ users: USERS, misbehaviour: [...misbehaviour, cut] });
    const fourth = bed.server.mailbox('alice').entries[3]?.uidl;
    expect(await bed.run()).toMatchObject({ outcome: 'waiting' });
    expect(bed.server.mailbox('alice').entries.map(({ uidl }) => uidl)).toEqual([fourth]);
    expect(bed.broken()).toEqual([]);
    await expectClean(bed);
  });
});

describe('a listing that changes by itself', () => {
  it('Q39: shows deleted messages again: they are counted, deleted again, and never fetched again', async () => {
    await using bed = await FaultBed.make({ users: USERS });
    const mailbox = bed.server.mailbox('alice');
    const before = mailbox.entries;
    for (let night = 0; night < 3; night++) {
      expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: MESSAGES } });
      mailbox.replaceEntries(() => before);
    }
    expect(bed.server.record.count('RETR')).toBe(MESSAGES);
    await expectClean(bed);
  });

  it('Q14: of a window that moves never makes the ledger forget what it does not show', async () => {
    let from = 0;
    const moving = showsOnly((all) => all.slice(from, from + 2));
    await using bed = await FaultBed.make({ users: USERS, misbehaviour: [moving] });
    for (from of [0, 2, 4, 0, 3]) {
      expect(await bed.run(undefined, { deletion: undefined })).toMatchObject({ outcome: 'done' });
    }
    expect(bed.server.record.count('RETR')).toBe(MESSAGES);
    await expectClean(bed);
    expect(bed.server.record.count('RETR')).toBe(MESSAGES);
  });

  it('Q16: gives other sizes each night: messages are fetched again, recognised by their octets, and never stored twice', async () => {
    let drift = 0;
    await using bed = await FaultBed.make({
      users: USERS,
      misbehaviour: [wrong.wrongSizes((octets) => octets + drift)],
    });
    for (drift of [0, 3, 9]) {
      expect(await bed.run(undefined, { deletion: undefined })).toMatchObject({ outcome: 'done' });
    }
    const before = bed.snapshot();
    drift = 12;
    expect(await bed.run()).toMatchObject({ outcome: 'done' });
    expect(bed.snapshot()).toEqual(before);
    await expectClean(bed);
  });
});
