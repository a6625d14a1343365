import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DemoUser } from '../../src/demo/demo-server.ts';
import { Mailbox } from '../../src/demo/mailbox.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { folderNameOf } from '../../src/message/quarantine-names.ts';
import { keptIn } from '../../src/message/quarantine-note.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { SinkAccount, SinkArchive, StoreOutcome } from '../../src/sink/sink.ts';
import { JobBed, type RunOptions, someMessages } from '../support/job-bed.ts';

const alice = (messages: DemoUser['messages'] = someMessages(6)): DemoUser => ({
  name: 'alice',
  password: 'secret',
  messages,
});
const DELETE_ALL = {
  ageMs: 0,
  max: undefined,
  maxPercent: undefined,
  keepNewest: undefined,
  keepForMs: undefined,
  keepBelowOctets: undefined,
};
/** Short enough that silence is not waited for. */
const BRIEF: RunOptions = { timeoutMs: 300 };

function quarantinedIn(
  bed: JobBed,
): ReturnType<NonNullable<ReturnType<typeof openLedgerReader>>['quarantined']> {
  const reader = openLedgerReader({ statePath: join(bed.folder, 'state') });
  try {
    return reader?.quarantined(10) ?? [];
  } finally {
    reader?.close();
  }
}

const troubledIn = (bed: JobBed) => {
  const reader = openLedgerReader({ statePath: join(bed.folder, 'state') });
  try {
    return reader?.troubled(10) ?? [];
  } finally {
    reader?.close();
  }
};

const keptFiles = (bed: JobBed): string[] => {
  try {
    return readdirSync(bed.quarantineFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
  } catch {
    return [];
  }
};

/** What arrived of message `number` of alice, as it is kept. */
function keptOf(bed: JobBed, number: number): string | undefined {
  const entry = bed.server.mailbox('alice').entries[number - 1];
  const kept = keptIn(bed.quarantineFolder)({
    account: 'alice',
    uidl: entry?.uidl ?? '',
    listedOctets: entry?.octets ?? null,
  });
  return kept?.partPath == null ? undefined : readFileSync(kept.partPath, 'latin1');
}

async function runTimes(bed: JobBed, times: number, options: RunOptions = {}): Promise<string[]> {
  const outcomes: string[] = [];
  for (let run = 0; run < times; run += 1) {
    outcomes.push((await bed.run(options)).outcome);
  }
  return outcomes;
}

describe('a message that fails again and again', () => {
  it('Q30, RFC-56: refused in three runs is set aside, is not asked for again, and keeps the account failed', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.retrRefused(2)] });
    expect(await runTimes(bed, 2)).toEqual(['failed', 'failed']);
    expect(quarantinedIn(bed)).toEqual([]);
    const third = await bed.run();
    expect(third).toMatchObject({
      outcome: 'failed',
      counts: { listed: 6, archivedBefore: 5, failed: 0, quarantined: 1 },
    });
    expect(bed.eventsOf('message.failed')).toEqual([]);
    expect(bed.eventsOf('message.quarantined')).toMatchObject([
      { attempts: 3, failure: { code: 'pop3-refused' }, note: expect.stringMatching(/\.json$/) },
    ]);
    expect(quarantinedIn(bed)).toMatchObject([
      { account: 'alice', attempts: 3, lastErrorCode: 'pop3-refused' },
    ]);
    const asked = bed.server.record.count('RETR');
    expect(await bed.run()).toMatchObject({ outcome: 'failed', counts: { quarantined: 1, failed: 0 } });
    expect(bed.server.record.count('RETR')).toBe(asked);
    expect(bed.held('alice')).toHaveLength(5);
  });

  it('Q30: refused for now by its response code is tried in each run, and never set aside', async () => {
    const busy = wrong.refused({ verb: 'RETR', message: 2 }, '-ERR [SYS/TEMP] the store is busy');
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [busy] });
    expect(await runTimes(bed, 4)).toEqual(['waiting', 'waiting', 'waiting', 'waiting']);
    expect(troubledIn(bed)).toMatchObject([{ attempts: 0, lastErrorCode: 'pop3-sys-temp', state: 'listed' }]);
    expect(keptFiles(bed)).toEqual([]);
  });

  it('Q30, Q31: gone by another session is no attempt; the next listing says so, and nothing is wrong any more', async () => {
    const mailbox = new Mailbox(someMessages(3));
    const gone = wrong.refused({ verb: 'RETR', message: 2 }, '-ERR Message 2 expunged.');
    await using bed = await JobBed.make({ users: [alice(mailbox)], misbehaviour: [gone] });
    expect(await bed.run()).toMatchObject({ outcome: 'waiting', counts: { archivedNow: 2, failed: 1 } });
    bed.server.misbehaviour.allOff();
    mailbox.replaceEntries((entries) => entries.filter((_, index) => index !== 1));
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 2, failed: 0 } });
    expect(troubledIn(bed)).toMatchObject([{ attempts: 0, unlistedAt: expect.any(Number) }]);
  });

  it('Q30: that a server lists and calls gone, run after run, is set aside in the end', async () => {
    const gone = wrong.refused({ verb: 'RETR', message: 2 }, '-ERR no such message');
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [gone] });
    expect(await runTimes(bed, 4)).toEqual(['waiting', 'waiting', 'waiting', 'failed']);
    expect(quarantinedIn(bed)).toMatchObject([{ attempts: 3, lastErrorCode: 'pop3-message-gone' }]);
  });

  it('Q25, RFC-24: at which the session is cut is set aside after three runs, with what arrived of it', async () => {
    const cut = wrong.stoppedAfter({ verb: 'RETR', message: 3 }, 30, 'fin');
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [cut] });
    const first = await bed.run();
    expect(first).toMatchObject({ outcome: 'waiting', counts: { archivedNow: 5, failed: 1, unreached: 0 } });
    const arrived = keptOf(bed, 3);
    expect(
      someMessages(6)[2]
        ?.toString('latin1')
        .startsWith(arrived ?? 'nothing'),
    ).toBe(true);
    expect(arrived?.length).toBeGreaterThan(10);
    expect(await runTimes(bed, 2)).toEqual(['waiting', 'failed']);
    expect(quarantinedIn(bed)).toMatchObject([{ attempts: 3, lastErrorCode: 'connection-closed' }]);
    expect(keptFiles(bed)).toHaveLength(2);
    expect(await bed.run()).toMatchObject({ counts: { archivedBefore: 5, quarantined: 1, failed: 0 } });
    expect(bed.held('alice')).toHaveLength(5);
  });

  it('Q25: is not blamed where the server did not answer afterwards', async () => {
    const cut = wrong.stoppedAfter({ verb: 'RETR', message: 1 }, 10, 'rst');
    await using bed = await JobBed.make({
      users: [alice()],
      misbehaviour: [cut, wrong.greeting('-ERR [SYS/TEMP] going down')],
    });
    bed.server.misbehaviour.allOff();
    for (let run = 0; run < 4; run += 1) {
      bed.server.misbehaviour.on(cut, {
        ...wrong.refused({ verb: 'GREETING', skip: 1 }, '-ERR [SYS/TEMP] going down'),
      });
      expect(await bed.run()).toMatchObject({ outcome: 'waiting' });
      bed.server.misbehaviour.allOff();
    }
    expect(troubledIn(bed)).toMatchObject([{ attempts: 0, state: 'listed' }]);
  });

  it('Q23: whose dot is glued to its last line is set aside, and all that came is kept, dot included', async () => {
    const messages = [...someMessages(2), Buffer.from('Subject: glued\r\n\r\nno line end', 'latin1')];
    await using bed = await JobBed.make({ users: [alice(messages)] });
    bed.server.misbehaviour.on(wrong.gluedTerminator({ verb: 'RETR', message: 3 }));
    expect(await runTimes(bed, 3, BRIEF)).toEqual(['waiting', 'waiting', 'failed']);
    expect(quarantinedIn(bed)).toMatchObject([{ lastErrorCode: 'connection-silent' }]);
    expect(keptOf(bed, 3)).toMatch(/^Subject: glued\r\n\r\nno line end\.\r\n/);
    expect(bed.held('alice')).toHaveLength(2);
  });

  it('counts once in a run, however often it breaks sessions', async () => {
    const twins = someMessages(1)[0] ?? Buffer.alloc(0);
    const messages = [
      { content: twins, uidl: 'same' },
      { content: twins, uidl: 'same' },
      ...someMessages(2, 'other'),
    ];
    await using bed = await JobBed.make({
      users: [alice(messages)],
      misbehaviour: [wrong.stoppedAfter({ verb: 'RETR', message: 1 }, 20, 'fin')],
    });
    await runTimes(bed, 4);
    expect(troubledIn(bed)).toMatchObject([{ uidl: 'same', attempts: 4, state: 'listed' }]);
    bed.server.misbehaviour.allOff();
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 4, failed: 0 } });
    expect(troubledIn(bed)).toEqual([]);
  });

  it('is fetched behind those that never failed', async () => {
    const mailbox = new Mailbox(someMessages(2));
    await using bed = await JobBed.make({ users: [alice(mailbox)], misbehaviour: [wrong.retrRefused(1)] });
    await bed.run();
    mailbox.append(Buffer.from('Subject: late\r\n\r\n'));
    await bed.run();
    expect(
      bed.server.record
        .transcript()
        .filter((line) => line.startsWith('RETR'))
        .slice(-2),
    ).toEqual(['RETR 3', 'RETR 1']);
  });

  it('is never deleted at the source, and what arrived of it is in no sink', async () => {
    await using bed = await JobBed.make({
      users: [alice()],
      misbehaviour: [wrong.stoppedAfter({ verb: 'RETR', message: 1 }, 30, 'fin')],
    });
    const options = { deletion: DELETE_ALL, isReadingBack: true };
    await runTimes(bed, 4, options);
    expect(bed.server.mailbox('alice').entries).toHaveLength(1);
    expect(quarantinedIn(bed)).toHaveLength(1);
    expect(bed.held('alice')).toHaveLength(5);
  });
});

describe('what arrived of a message', () => {
  it('may not be kept, by a disk that does not take it: that is a warning, and the message is set aside all the same', async () => {
    await using bed = await JobBed.make({
      users: [alice()],
      misbehaviour: [wrong.stoppedAfter({ verb: 'RETR', message: 3 }, 30, 'fin')],
    });
    mkdirSync(bed.quarantineFolder, { recursive: true });
    writeFileSync(join(bed.quarantineFolder, folderNameOf('alice')), 'in the way');
    expect(await bed.run({ maxAttempts: 1 })).toMatchObject({
      outcome: 'failed',
      counts: { archivedNow: 5, quarantined: 1 },
    });
    expect(bed.eventsOf('message.quarantined')).toMatchObject([{ note: null }]);
    expect(bed.eventsOf('logged').map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^what arrived of message "demo-00000003" cannot be kept: .*EEXIST/),
    );
    expect(await bed.run({ isRetryingQuarantined: true })).toMatchObject({ counts: { quarantined: 1 } });
  });

  it('is kept of at most a hundred messages in a run of an account', async () => {
    await using bed = await JobBed.make({
      users: [alice(someMessages(130))],
      misbehaviour: [wrong.refused({ verb: 'RETR' }, '-ERR not today, nor ever')],
    });
    expect(await bed.run({ maxAttempts: 1 })).toMatchObject({ counts: { quarantined: 130, failed: 0 } });
    expect(keptFiles(bed)).toHaveLength(100);
  });

  it('of a message that outgrew memory is its first and its last octets', async () => {
    const large = Buffer.from(`Subject: large\r\n\r\n${'0123456789abcdef\r\n'.repeat(20_000)}`, 'latin1');
    await using bed = await JobBed.make({
      users: [alice([large])],
      misbehaviour: [wrong.stoppedAfter({ verb: 'RETR', message: 1 }, 200_000, 'fin')],
    });
    await bed.run({ partOctets: 100 });
    expect(keptOf(bed, 1)).toMatch(/^Subject: large\r\n\r\n0123456789/);
    expect(keptOf(bed, 1)).toHaveLength(100);
    expect(readdirSync(join(bed.folder, 'state', 'spool'))).toEqual([]);
  });
});

describe('a message that a sink will not take', () => {
  it('is set aside while the others go on, with all of it kept where it is small, and its receipts elsewhere', async () => {
    const picky = new PickySink();
    const sinks = [new MemorySink(), picky];
    await using bed = await JobBed.make({ users: [alice()], sinks });
    await runTimes(bed, 2);
    expect(await bed.run()).toMatchObject({ counts: { archivedBefore: 5, quarantined: 1 } });
    expect(quarantinedIn(bed)).toMatchObject([{ attempts: 3, lastErrorCode: 'sink-picky' }]);
    expect(keptOf(bed, 3)).toBe(someMessages(6)[2]?.toString('latin1'));
    const asked = bed.server.record.count('RETR');
    expect(await bed.run()).toMatchObject({ outcome: 'failed', counts: { quarantined: 1, failed: 0 } });
    expect(bed.server.record.count('RETR')).toBe(asked);
    picky.isPicky = false;
    expect(await bed.run({ isRetryingQuarantined: true })).toMatchObject({ outcome: 'done' });
    expect(sinks.map((sink) => sink.held.get('alice')?.size)).toEqual([6, 6]);
    expect(keptFiles(bed)).toEqual([]);
  });

  it('is not blamed where the sink takes nothing at all', async () => {
    const full = new PickySink('sink');
    await using bed = await JobBed.make({ users: [alice(someMessages(1))], sinks: [full] });
    full.refuses = () => true;
    expect(await runTimes(bed, 4)).toEqual(['failed', 'failed', 'failed', 'failed']);
    expect(troubledIn(bed)).toMatchObject([{ attempts: 0, state: 'listed', lastErrorCode: 'sink-picky' }]);
    expect(keptFiles(bed)).toEqual([]);
  });
});

describe('run --retry quarantined', () => {
  it('archives what got well, removes what was kept of it, and ends well', async () => {
    await using bed = await JobBed.make({
      users: [alice()],
      misbehaviour: [wrong.stoppedAfter({ verb: 'RETR', message: 3 }, 30, 'fin')],
    });
    await runTimes(bed, 3);
    expect(keptFiles(bed)).toHaveLength(2);
    bed.server.misbehaviour.allOff();
    expect(await bed.run()).toMatchObject({ outcome: 'failed', counts: { quarantined: 1, archivedNow: 0 } });
    expect(await bed.run({ isRetryingQuarantined: true })).toMatchObject({
      outcome: 'done',
      counts: { listed: 6, archivedNow: 1, archivedBefore: 5, quarantined: 0 },
    });
    expect(keptFiles(bed)).toEqual([]);
    expect(quarantinedIn(bed)).toEqual([]);
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedBefore: 6 } });
  });

  it('sets aside again what fails again, whoever’s fault it is, and keeps what arrived last', async () => {
    await using bed = await JobBed.make({
      users: [alice()],
      misbehaviour: [wrong.stoppedAfter({ verb: 'RETR', message: 3 }, 30, 'fin')],
    });
    await runTimes(bed, 3);
    const before = keptOf(bed, 3);
    bed.server.misbehaviour.allOff();
    bed.server.misbehaviour.on(wrong.stoppedAfter({ verb: 'RETR', message: 3 }, 40, 'fin'));
    const options = { isRetryingQuarantined: true };
    expect(await bed.run(options)).toMatchObject({
      outcome: 'failed',
      counts: { listed: 6, archivedBefore: 5, quarantined: 1, failed: 0 },
    });
    expect(keptOf(bed, 3)?.length).toBeGreaterThan(before?.length ?? 0);
    bed.server.misbehaviour.allOff();
    bed.server.misbehaviour.on(wrong.refused({ verb: 'RETR', message: 3 }, '-ERR [SYS/TEMP] busy'));
    expect(await bed.run(options)).toMatchObject({ outcome: 'failed', counts: { quarantined: 1 } });
    expect(quarantinedIn(bed)).toMatchObject([{ attempts: 4, lastErrorCode: 'pop3-sys-temp' }]);
  });
});

describe('a quarantined message that the server lists no longer', () => {
  it('is told once, stays in the ledger with what arrived of it, and no longer fails the account', async () => {
    const mailbox = new Mailbox(someMessages(3));
    await using bed = await JobBed.make({
      users: [alice(mailbox)],
      misbehaviour: [wrong.stoppedAfter({ verb: 'RETR', message: 2 }, 30, 'fin')],
    });
    await runTimes(bed, 3);
    const all = mailbox.entries;
    mailbox.replaceEntries((entries) => entries.filter((_, index) => index !== 1));
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 2, quarantined: 0 } });
    expect(bed.eventsOf('logged').map(({ text }) => text)).toEqual([
      expect.stringContaining('1 quarantined messages are not listed any more: "demo-00000002"'),
    ]);
    expect(quarantinedIn(bed)).toMatchObject([{ unlistedAt: expect.any(Number) }]);
    expect(keptFiles(bed)).toHaveLength(2);
    await bed.run();
    expect(bed.eventsOf('logged')).toEqual([]);
    mailbox.replaceEntries(() => all);
    expect(await bed.run()).toMatchObject({ outcome: 'failed', counts: { quarantined: 1 } });
    expect(quarantinedIn(bed)).toMatchObject([{ unlistedAt: null }]);
  });
});

/** Refuses the third message, by its text; with scope `sink` it takes nothing at all. */
class PickySink extends MemorySink {
  isPicky = true;
  refuses = (content: string): boolean => content.includes('message 2');
  readonly #scope: 'message' | 'sink';

  constructor(scope: 'message' | 'sink' = 'message') {
    super('memory:picky');
    this.#scope = scope;
  }

  override async openArchive(account: SinkAccount): Promise<SinkArchive> {
    const archive = await super.openArchive(account);
    const refusal = new MailferryError('not this one', {
      code: 'sink-picky',
      scope: this.#scope,
      retry: 'never',
    });
    const store: SinkArchive['store'] = async (batch, signal) => {
      const isRefused = batch.map(
        ({ message: { content } }) =>
          this.isPicky && content.kind === 'memory' && this.refuses(content.buffer.toString('latin1')),
      );
      if (this.#scope === 'sink' && isRefused.includes(true)) {
        throw refusal;
      }
      const taken = await archive.store(
        batch.filter((_, index) => isRefused[index] === false),
        signal,
      );
      const outcomes = taken.outcomes[Symbol.iterator]();
      return {
        outcomes: isRefused.map((refused): StoreOutcome => {
          const next = refused ? undefined : outcomes.next().value;
          return next ?? { kind: 'failed', error: refusal };
        }),
      };
    };
    return {
      root: archive.root,
      store,
      verify: (receipt) => archive.verify(receipt),
      close: () => archive.close(),
    };
  }
}
