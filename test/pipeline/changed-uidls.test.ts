import { describe, expect, it } from 'vitest';
import { Mailbox, type MessageInput } from '../../src/demo/mailbox.ts';
import { showsOnly } from '../../src/demo/mailbox-misbehaviour.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import type { Misbehaviour } from '../../src/demo/misbehaviour-switch.ts';
import type { UidlChange } from '../../src/ledger/ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { planJob } from '../../src/pipeline/plan-job.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import { JobBed, NO_SELECTION, type RunOptions, someMessages } from '../support/job-bed.ts';

const NO_RULES = {
  ageMs: 0,
  max: undefined,
  maxPercent: undefined,
  keepNewest: undefined,
  keepForMs: undefined,
  keepBelowOctets: undefined,
};

const DELETING: RunOptions = { isReadingBack: true, deletion: NO_RULES };

const TWIN = Buffer.from('Subject: twin\r\n\r\nsent twice\r\n');

/** The messages of another server: the same ones, under other unique-ids. */
function rename(mailbox: Mailbox, name = (index: number): string => `moved-${index}`): void {
  mailbox.replaceEntries((entries) => entries.map((entry, index) => ({ ...entry, uidl: name(index) })));
}

async function makeBed(
  messages: readonly MessageInput[],
  misbehaviour: readonly Misbehaviour[] = [],
): Promise<{ bed: JobBed; mailbox: Mailbox }> {
  const mailbox = new Mailbox(messages);
  const users = [{ name: 'alice', password: 'secret', messages: mailbox }];
  return { bed: await JobBed.make({ users, misbehaviour }), mailbox };
}

function changeOf(bed: JobBed): UidlChange | null {
  const reader = openLedgerReader({ statePath: `${bed.folder}/state` });
  const change = reader?.accounts()[0]?.uidlChange ?? null;
  reader?.close();
  return change;
}

function statesOf(bed: JobBed): Record<string, number> {
  const reader = openLedgerReader({ statePath: `${bed.folder}/state` });
  const byState: Readonly<Record<string, number>> = reader?.accounts()[0]?.byState ?? {};
  reader?.close();
  return Object.fromEntries(Object.entries(byState).filter(([, count]) => count > 0));
}

const warnings = (bed: JobBed): string[] =>
  bed
    .eventsOf('logged')
    .filter(({ level }) => level === 'warn')
    .map(({ text }) => text);

const isToldOf = (bed: JobBed): boolean => warnings(bed).some((text) => text.includes('other unique-ids'));

describe('a server whose unique-ids have all changed', () => {
  it('Q12: nothing is fetched twice, nothing stored twice, and it is told; the run after it finds all as it should be', async () => {
    const { bed, mailbox } = await makeBed(someMessages(100));
    await using _ = bed;
    await bed.run();
    rename(mailbox);
    expect(await bed.run()).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 0, archivedBefore: 100 },
    });
    expect([bed.server.record.count('RETR'), bed.held('alice').length, isToldOf(bed)]).toEqual([
      100,
      100,
      true,
    ]);
    expect(changeOf(bed)).toMatchObject({ followed: 100, settledAt: expect.any(Number) });
    const asked = bed.server.record.count('TOP');
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedBefore: 100 } });
    expect([bed.server.record.count('TOP'), isToldOf(bed), statesOf(bed)]).toEqual([
      asked,
      false,
      { archived: 100 },
    ]);
  });

  it('Q12: new mail is archived beside the old that is recognised, also where the mailbox was mostly deleted', async () => {
    const { bed, mailbox } = await makeBed(someMessages(100));
    await using _ = bed;
    await bed.run();
    mailbox.replaceEntries((entries) => entries.slice(90));
    rename(mailbox);
    mailbox.append(...someMessages(30, 'fresh'));
    expect(await bed.run()).toMatchObject({ counts: { listed: 40, archivedNow: 30, archivedBefore: 10 } });
    expect(bed.held('alice')).toHaveLength(130);
  });

  it('Q12: nothing is deleted in that run, and what was proved is deleted in the next', async () => {
    const { bed, mailbox } = await makeBed(someMessages(20));
    await using _ = bed;
    await bed.run({ isReadingBack: true });
    rename(mailbox);
    expect(await bed.run(DELETING)).toMatchObject({ outcome: 'done' });
    expect(bed.server.record.count('DELE')).toBe(0);
    expect(bed.eventsOf('account.deleted')).toMatchObject([
      { deleted: 0, kept: { 'unique-ids changed': 20 } },
    ]);
    await bed.run(DELETING);
    expect([mailbox.entries.length, bed.server.record.count('RETR')]).toEqual([0, 20]);
  });

  it.each([
    ['counts LF alone', (octets: number) => octets - 4],
    ['rounds to kilobytes', (octets: number) => Math.ceil(octets / 1024) * 1024],
  ])('Q12, Q16: the header decides where the new server %s', async (_how, edit) => {
    const { bed, mailbox } = await makeBed(someMessages(50));
    await using _ = bed;
    await bed.run();
    rename(mailbox);
    bed.server.misbehaviour.on(wrong.wrongSizes(edit));
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 50 } });
    expect(bed.server.record.count('RETR')).toBe(50);
    expect(await bed.run(DELETING)).toMatchObject({ counts: { archivedBefore: 50 } });
    expect([bed.server.record.count('RETR'), mailbox.entries.length]).toEqual([50, 0]);
  });

  it.each([
    ['is refused', wrong.refused({ verb: 'TOP' })],
    [
      'shows other headers than RETR',
      wrong.octetsChanged({ verb: 'TOP' }, () => [Buffer.from('+OK\r\nX: y\r\n\r\n.\r\n')]),
    ],
    [
      'gives one line only',
      wrong.octetsChanged({ verb: 'TOP' }, () => [Buffer.from('+OK\r\nSubject: one line\r\n.\r\n')]),
    ],
  ])(
    'Q12, Q33: where TOP %s, all is fetched, recognised by its octets, and stored once; nothing is deleted',
    async (_how, misbehaviour) => {
      const messages = [...someMessages(20), TWIN, TWIN];
      const { bed, mailbox } = await makeBed(messages, [misbehaviour]);
      await using _ = bed;
      await bed.run();
      rename(mailbox);
      expect(await bed.run(DELETING)).toMatchObject({
        outcome: 'done',
        counts: { archivedNow: 0, archivedBefore: 22 },
      });
      expect([bed.held('alice').length, isToldOf(bed), bed.server.record.count('DELE')]).toEqual([
        22,
        true,
        0,
      ]);
      expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 22 } });
      expect(bed.server.record.count('RETR')).toBe(44);
    },
  );

  it.each([
    ['is followed by a second +OK', wrong.trailed({ verb: 'TOP' }, '+OK again\r\n')],
    ['never ends', wrong.noTerminator({ verb: 'TOP' })],
    ['ends the session', wrong.endedAfter({ verb: 'TOP' })],
  ])(
    'Q12, Q33: where TOP %s, it is given up after two sessions, and octets decide',
    async (_how, misbehaviour) => {
      const { bed, mailbox } = await makeBed(someMessages(10));
      await using _ = bed;
      await bed.run();
      rename(mailbox);
      bed.server.misbehaviour.on(misbehaviour);
      expect(await bed.run({ timeoutMs: 1_000 })).toMatchObject({
        outcome: 'done',
        counts: { archivedNow: 0, archivedBefore: 10 },
      });
      expect([bed.held('alice').length, bed.server.record.count('RETR'), isToldOf(bed)]).toEqual([
        10,
        20,
        true,
      ]);
    },
  );

  it('Q12: equal messages stay as many as they were, and one that came since is one more', async () => {
    const { bed, mailbox } = await makeBed([TWIN, TWIN, ...someMessages(10)]);
    await using _ = bed;
    await bed.run();
    mailbox.append(TWIN);
    rename(mailbox);
    await bed.run();
    expect(bed.held('alice')).toHaveLength(13);
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 13 } });
    expect(bed.held('alice')).toHaveLength(13);
  });

  it('Q12: different messages with one header and size are fetched and told apart by their octets', async () => {
    const nightly = (state: string): Buffer => Buffer.from(`Subject: disk\r\n\r\n${state}\r\n`);
    const { bed, mailbox } = await makeBed([nightly('full'), nightly('good'), ...someMessages(10)]);
    await using _ = bed;
    await bed.run();
    rename(mailbox);
    mailbox.append(nightly('away'));
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 1, archivedBefore: 12 } });
    expect(bed.server.record.count('RETR')).toBe(15);
    expect(bed.held('alice').filter((text) => text.includes('disk'))).toHaveLength(3);
  });

  it('Q12: unique-ids that were only dealt anew are followed one by one', async () => {
    const messages = Array.from({ length: 30 }, (_, index) =>
      Buffer.from(`Subject: ${index}\r\n\r\n${'x'.repeat(index * 3_000)}\r\n`),
    );
    const { bed, mailbox } = await makeBed(messages.map((content, index) => ({ content, uidl: `${index}` })));
    await using _ = bed;
    await bed.run();
    mailbox.replaceEntries((entries) =>
      entries.map((entry, index) => ({ ...entry, uidl: `${(index + 15) % 30}` })),
    );
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 30 } });
    expect(bed.held('alice')).toHaveLength(30);
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 30 } });
    expect(isToldOf(bed)).toBe(false);
  });

  it('Q1, Q12: a new server without UIDL, and back again: nothing is fetched or stored twice', async () => {
    const { bed } = await makeBed([...someMessages(20), TWIN, TWIN]);
    await using _ = bed;
    await bed.run();
    const noUidl = wrong.noUidl();
    bed.server.misbehaviour.on(noUidl);
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 22 } });
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 22 } });
    bed.server.misbehaviour.allOff();
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 22 } });
    expect([bed.server.record.count('RETR'), bed.held('alice').length]).toEqual([22, 22]);
  });

  it('Q3, Q12: a new server that gives equal messages one unique-id has them twice, and no third time', async () => {
    const { bed, mailbox } = await makeBed([TWIN, TWIN, ...someMessages(10)]);
    await using _ = bed;
    await bed.run();
    rename(mailbox, (index) => (index < 2 ? 'hash-of-twin' : `hash-${index}`));
    await bed.run();
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 12 } });
    expect(bed.held('alice')).toHaveLength(12);
    // Sizes that drift make them doubtful once more.
    bed.server.misbehaviour.on(wrong.wrongSizes((octets) => octets + 1));
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 12 } });
    expect(bed.held('alice')).toHaveLength(12);
  });

  it('Q12: a sink that was added with the move gets what it lacks, and the other nothing twice', async () => {
    const [one, two] = [new MemorySink('memory:one'), new MemorySink('memory:two')];
    const mailbox = new Mailbox(someMessages(20));
    const users = [{ name: 'alice', password: 'secret', messages: mailbox }];
    await using bed = await JobBed.make({ users, sinks: [one] });
    await bed.run();
    rename(mailbox);
    expect(await bed.run({ sinks: [one, two] })).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 20 },
    });
    expect([one.held.get('alice')?.size, two.held.get('alice')?.size]).toEqual([20, 20]);
  });

  it('Q12: a message that cannot be fetched keeps the change unsettled, and is recognised when it can be', async () => {
    const { bed, mailbox } = await makeBed([TWIN, ...someMessages(20)]);
    await using _ = bed;
    await bed.run();
    rename(mailbox);
    const noTop = wrong.refused({ verb: 'TOP', message: 1 });
    bed.server.misbehaviour.on(noTop);
    bed.server.misbehaviour.on(wrong.retrRefused(1));
    expect(await bed.run()).toMatchObject({ outcome: 'failed', counts: { archivedBefore: 20, failed: 1 } });
    expect(changeOf(bed)).toMatchObject({ followed: 20, settledAt: null });
    bed.server.misbehaviour.allOff();
    bed.server.misbehaviour.on(noTop);
    expect(await bed.run(DELETING)).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 0, archivedBefore: 21 },
    });
    expect([bed.held('alice').length, bed.server.record.count('DELE')]).toEqual([21, 0]);
    expect(changeOf(bed)).toMatchObject({ followed: 21, settledAt: expect.any(Number) });
    expect(statesOf(bed)).toEqual({ archived: 21 });
  });

  it('Q12: a deleted message that a backup brings back under another unique-id is known, and deleted again', async () => {
    const { bed, mailbox } = await makeBed(someMessages(6));
    await using _ = bed;
    await bed.run({ isReadingBack: true });
    const before = mailbox.entries;
    await bed.run({ ...DELETING, deletion: { ...NO_RULES, max: 2 } });
    mailbox.replaceEntries(() => before);
    rename(mailbox);
    expect(await bed.run(DELETING)).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 6 } });
    expect(statesOf(bed)).toEqual({ verified: 6 });
    await bed.run(DELETING);
    expect([mailbox.entries.length, bed.server.record.count('RETR')]).toEqual([0, 6]);
  });

  it('Q12: plan says so, and plans no deletion', async () => {
    const { bed, mailbox } = await makeBed(someMessages(20));
    await using _ = bed;
    await bed.run({ isReadingBack: true });
    rename(mailbox);
    mailbox.append(...someMessages(1, 'fresh'));
    const reader = openLedgerReader({
      statePath: `${bed.folder}/state`,
      sinks: bed.sinks.map(({ name }) => name),
    });
    const texts: string[] = [];
    const plan = await planJob({
      accounts: [bed.source({ name: 'alice', password: 'secret' })],
      limits: { accounts: 1, perHost: 1 },
      select: NO_SELECTION,
      deletion: NO_RULES,
      now: Date.now,
      emit: (event) => texts.push(event.type === 'logged' ? event.text : ''),
      dropSignal: new AbortController().signal,
      rowsOf: (account) => reader?.account(account),
    });
    reader?.close();
    expect(plan.accounts).toMatchObject([
      {
        archivedBefore: 20,
        wanted: [{ kind: 'renamed' }],
        uidls: { kind: 'changed', followed: 20 },
        deletion: { due: [], keptBy: { 'unique-ids changed': 21 } },
      },
    ]);
    expect(texts.join()).toContain('other unique-ids than before');
    expect(changeOf(bed)).toBeNull();
  });
});

describe('what is no change of unique-ids', () => {
  it('Q12, Q14: a window of the mailbox that moves on, in a job that deletes', async () => {
    let from = 0;
    const { bed } = await makeBed(someMessages(120), [showsOnly((all) => all.slice(from, from + 40))]);
    await using _ = bed;
    for (from of [0, 40, 80, 0]) {
      await bed.run({ ...DELETING, deletion: { ...NO_RULES, ageMs: 1e9 } });
      expect(isToldOf(bed)).toBe(false);
    }
    expect([bed.server.record.count('RETR'), changeOf(bed)]).toEqual([120, null]);
  });

  it('Q12: a user who empties the mailbox, and new mail', async () => {
    const { bed, mailbox } = await makeBed(someMessages(60));
    await using _ = bed;
    await bed.run();
    mailbox.replaceEntries(() => []);
    mailbox.append(...someMessages(60, 'fresh'));
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 60 } });
    expect([isToldOf(bed), changeOf(bed)]).toEqual([false, null]);
  });
});
