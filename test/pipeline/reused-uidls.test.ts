import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../src/demo/mailbox.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import type { Misbehaviour } from '../../src/demo/misbehaviour-switch.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { JobBed, type RunOptions } from '../support/job-bed.ts';

const DELETING: RunOptions = {
  isReadingBack: true,
  deletion: {
    ageMs: 0,
    max: undefined,
    maxPercent: undefined,
    keepNewest: undefined,
    keepForMs: undefined,
    keepBelowOctets: undefined,
  },
};

const mail = (subject: string, body: string): Buffer =>
  Buffer.from(`Subject: ${subject}\r\n\r\n${body}\r\n`, 'latin1');

const FIRST = mail('one', 'first');
/** As large as the first. */
const OTHER = mail('two', 'other');
/** As large, and with the same header. */
const NIGHTLY = mail('one', 'third');

const TOP_REFUSED = wrong.refused({ verb: 'TOP' });

async function makeBed(
  misbehaviour: readonly Misbehaviour[] = [],
): Promise<{ bed: JobBed; mailbox: Mailbox }> {
  const mailbox = new Mailbox([{ content: FIRST, uidl: 'again' }]);
  const users = [{ name: 'alice', password: 'secret', messages: mailbox }];
  return { bed: await JobBed.make({ users, misbehaviour }), mailbox };
}

function statesOf(bed: JobBed): Record<string, number> {
  const reader = openLedgerReader({ statePath: `${bed.folder}/state` });
  const byState: Readonly<Record<string, number>> = reader?.accounts()[0]?.byState ?? {};
  reader?.close();
  return Object.fromEntries(Object.entries(byState).filter(([, count]) => count > 0));
}

describe('a unique-id that is used again after its message was deleted', () => {
  it('Q13: for a message of another size: archived as new, and the old row stays as it is', async () => {
    const { bed, mailbox } = await makeBed();
    await using _ = bed;
    await bed.run(DELETING);
    await bed.run(DELETING);
    mailbox.append({ content: mail('two', 'another and longer one'), uidl: 'again' });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 1 } });
    expect(statesOf(bed)).toEqual({ deleted: 1, archived: 1 });
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 1 } });
  });

  it.each([
    ['confirmed', 2, []],
    ['answered and not confirmed', 1, []],
    ['confirmed, and TOP refused', 2, [TOP_REFUSED]],
    ['answered and not confirmed, and TOP refused', 1, [TOP_REFUSED]],
  ] as const)(
    'Q13: for a message of the same size (deletion %s): archived as new, never deleted unarchived',
    async (_how, runs, misbehaviour) => {
      const { bed, mailbox } = await makeBed(misbehaviour);
      await using _ = bed;
      for (let run = 0; run < runs; run += 1) {
        await bed.run(DELETING);
      }
      mailbox.append({ content: OTHER, uidl: 'again' });
      expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 1 } });
      expect(bed.held('alice')).toHaveLength(2);
      const asked = bed.server.record.count('RETR');
      expect(await bed.run(DELETING)).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 1 } });
      expect([mailbox.entries.length, bed.server.record.count('RETR')]).toEqual([0, asked]);
      await bed.run(DELETING);
      expect(statesOf(bed)).toEqual({ deleted: 2 });
    },
  );

  it('Q13: and once more, and the first one restored: each is known for what it is', async () => {
    const { bed, mailbox } = await makeBed();
    await using _ = bed;
    const before = mailbox.entries;
    await bed.run(DELETING);
    mailbox.append({ content: OTHER, uidl: 'again' });
    await bed.run(DELETING);
    await bed.run(DELETING);
    mailbox.replaceEntries(() => before);
    expect(await bed.run(DELETING)).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 1 } });
    await bed.run(DELETING);
    expect([statesOf(bed), bed.server.record.count('RETR'), mailbox.entries]).toEqual([
      { deleted: 2 },
      2,
      [],
    ]);
  });

  it('Q13: in a job that deletes no more', async () => {
    const { bed, mailbox } = await makeBed();
    await using _ = bed;
    await bed.run(DELETING);
    await bed.run(DELETING);
    mailbox.append({ content: OTHER, uidl: 'again' });
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 1 } });
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 1 } });
    expect([bed.held('alice').length, bed.server.record.count('RETR')]).toEqual([2, 2]);
  });

  it('Q13: a header that different messages share proves no return: the octets do', async () => {
    const { bed, mailbox } = await makeBed();
    await using _ = bed;
    mailbox.append({ content: NIGHTLY, uidl: 'next' });
    await bed.run(DELETING);
    await bed.run(DELETING);
    mailbox.append({ content: mail('one', 'forth'), uidl: 'again' });
    expect(await bed.run(DELETING)).toMatchObject({ counts: { archivedNow: 1 } });
    expect(bed.held('alice')).toHaveLength(3);
  });

  it('Q3, Q13: for two messages at once: both are archived, and stay', async () => {
    const { bed, mailbox } = await makeBed();
    await using _ = bed;
    await bed.run(DELETING);
    await bed.run(DELETING);
    mailbox.append({ content: OTHER, uidl: 'again' }, { content: NIGHTLY, uidl: 'again' });
    expect(await bed.run(DELETING)).toMatchObject({ counts: { archivedNow: 2 } });
    expect(await bed.run(DELETING)).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 2 } });
    expect([bed.held('alice').length, mailbox.entries.length]).toEqual([3, 2]);
  });
});

describe('a deleted message that shows again', () => {
  it.each([
    ['its header says so', [], 1],
    ['TOP is refused and its octets say so', [TOP_REFUSED], 2],
  ] as const)(
    'Q33, Q39: is known where %s, is stored once, and is deleted again',
    async (_how, misbehaviour, fetches) => {
      const { bed, mailbox } = await makeBed(misbehaviour);
      await using _ = bed;
      const before = mailbox.entries;
      await bed.run(DELETING);
      await bed.run(DELETING);
      mailbox.replaceEntries(() => before);
      expect(await bed.run(DELETING)).toMatchObject({
        outcome: 'done',
        counts: { archivedNow: 0, archivedBefore: 1 },
      });
      expect([bed.server.record.count('RETR'), mailbox.entries, bed.held('alice').length]).toEqual([
        fetches,
        [],
        1,
      ]);
      await bed.run(DELETING);
      expect(statesOf(bed)).toEqual({ deleted: 1 });
    },
  );
});
