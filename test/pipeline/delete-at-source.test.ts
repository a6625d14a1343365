import { describe, expect, it } from 'vitest';
import type { DemoUser } from '../../src/demo/demo-server.ts';
import { Mailbox } from '../../src/demo/mailbox.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import type { DeletionRules } from '../../src/pipeline/decide-deletion.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { SinkAccount, SinkArchive } from '../../src/sink/sink.ts';
import { JobBed, type RunOptions, someMessages } from '../support/job-bed.ts';

const RULES: DeletionRules = {
  ageMs: 0,
  max: undefined,
  maxPercent: undefined,
  keepNewest: undefined,
  keepForMs: undefined,
  keepBelowOctets: undefined,
};

const deleting = (rules: Partial<DeletionRules> = {}): RunOptions => ({
  isReadingBack: true,
  deletion: { ...RULES, ...rules },
});

const alice = (messages: DemoUser['messages'] = someMessages(20)): DemoUser => ({
  name: 'alice',
  password: 'secret',
  ...(messages === undefined ? {} : { messages }),
});

const left = (bed: JobBed): number => bed.server.mailbox('alice').entries.length;

function states(bed: JobBed): Record<string, number> {
  const reader = openLedgerReader({ statePath: `${bed.folder}/state` });
  const byState: Readonly<Record<string, number>> = reader?.accounts()[0]?.byState ?? {};
  reader?.close();
  return Object.fromEntries(Object.entries(byState).filter(([, count]) => count > 0));
}

describe('deletion at the source', () => {
  it('RFC-68: never happens unless the job asks for it', async () => {
    await using bed = await JobBed.make({ users: [alice()] });
    await bed.run({ isReadingBack: true });
    await bed.run({ isReadingBack: true });
    expect([left(bed), bed.server.record.count('DELE')]).toEqual([20, 0]);
  });

  it('RFC-64, RFC-68: empties the maildrop after every sink has proved each message, and the next listing confirms it', async () => {
    await using bed = await JobBed.make({ users: [alice()] });
    expect(await bed.run(deleting())).toMatchObject({ outcome: 'done', counts: { archivedNow: 20 } });
    expect(left(bed)).toBe(0);
    expect(bed.eventsOf('account.deleted')).toMatchObject([{ deleted: 20, kept: {} }]);
    expect(states(bed)).toEqual({ 'deletion-answered': 20 });
    expect(await bed.run(deleting())).toMatchObject({ outcome: 'done', counts: { listed: 0 } });
    expect(states(bed)).toEqual({ deleted: 20 });
    expect(bed.held('alice')).toHaveLength(20);
  });

  it('proves and deletes what an earlier run archived, without fetching it again', async () => {
    await using bed = await JobBed.make({ users: [alice()] });
    await bed.run();
    expect(states(bed)).toEqual({ archived: 20 });
    await bed.run(deleting());
    expect([left(bed), bed.server.record.count('RETR')]).toEqual([0, 20]);
  });

  it('waits until the proof is old enough', async () => {
    await using bed = await JobBed.make({ users: [alice()] });
    await bed.run(deleting({ ageMs: 60_000 }));
    expect(bed.eventsOf('account.deleted')).toMatchObject([{ deleted: 0, kept: { 'delete.age': 20 } }]);
    const later = Date.now() + 120_000;
    await bed.run({ ...deleting({ ageMs: 60_000 }), now: () => later });
    expect(left(bed)).toBe(0);
  });

  it('deletes at most so many in one run, oldest first, and the rest in the next', async () => {
    await using bed = await JobBed.make({ users: [alice()] });
    await bed.run(deleting({ max: 15 }));
    expect(bed.server.mailbox('alice').entries.map(({ uidl }) => uidl)[0]).toBe('demo-00000016');
    await bed.run(deleting({ max: 15 }));
    expect(left(bed)).toBe(0);
  });

  it('deletes nothing, and fails, where more than the allowed share is due', async () => {
    await using bed = await JobBed.make({ users: [alice()] });
    expect(await bed.run(deleting({ maxPercent: 50 }))).toMatchObject({
      outcome: 'failed',
      counts: { archivedNow: 20 },
    });
    expect(left(bed)).toBe(20);
  });

  it('RFC-64: keeps on the server what is not archived', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.retrRefused(3)] });
    await bed.run(deleting());
    expect(bed.server.mailbox('alice').entries.map(({ uidl }) => uidl)).toEqual(['demo-00000003']);
  });

  it('Q3: keeps ambiguous messages on the server', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.duplicateUidls([4, 5])] });
    await bed.run(deleting());
    expect(left(bed)).toBe(2);
  });

  it('Q1, RFC-52: without unique-ids deletes only what this very session has proved', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.noUidl()] });
    await bed.run({ isReadingBack: true });
    await bed.run(deleting());
    expect(left(bed)).toBe(20);
    bed.server.mailbox('alice').append(Buffer.from('Subject: fresh\r\n\r\nfresh\r\n'));
    await bed.run(deleting());
    expect(left(bed)).toBe(20);
    await bed.run(deleting());
    expect(states(bed)).toEqual({ verified: 20, deleted: 1 });
  });

  it('Q16: compares the header where sizes are inexact, and keeps what differs', async () => {
    await using bed = await JobBed.make({
      users: [alice()],
      misbehaviour: [wrong.wrongSizes((octets) => octets - 7)],
    });
    expect(await bed.run(deleting())).toMatchObject({ outcome: 'done' });
    expect([left(bed), bed.server.record.count('TOP')]).toEqual([0, 20]);
  });

  it('Q13: keeps a message whose header is another one although unique-id and size agree', async () => {
    const mailbox = new Mailbox([{ content: Buffer.from('Subject: one\r\n\r\n'), uidl: 'same' }]);
    const misbehaviour = [wrong.wrongSizes((octets) => octets - 7)];
    await using bed = await JobBed.make({ users: [alice(mailbox)], misbehaviour });
    await bed.run({ isReadingBack: true });
    mailbox.replaceEntries(() => []);
    mailbox.append({ content: Buffer.from('Subject: two\r\n\r\n'), uidl: 'same' });
    expect(await bed.run(deleting())).toMatchObject({ outcome: 'failed' });
    expect(left(bed)).toBe(1);
  });

  it('stops the sink that does not give back what it took, and deletes nothing', async () => {
    await using bed = await JobBed.make({ users: [alice()], sinks: [new ForgetfulSink()] });
    expect(await bed.run(deleting())).toMatchObject({ outcome: 'failed', counts: { archivedNow: 0 } });
    expect([left(bed), bed.server.record.count('DELE'), bed.server.record.count('QUIT')]).toEqual([20, 0, 0]);
  });

  it('RFC-64: keeps what one of two sinks has not', async () => {
    const sinks = [new MemorySink('memory:good'), new ForgetfulSink()];
    await using bed = await JobBed.make({ users: [alice()], sinks });
    await bed.run(deleting());
    expect([left(bed), bed.server.record.count('DELE')]).toEqual([20, 0]);
  });

  it('keeps what was archived and has vanished from the sink since', async () => {
    await using bed = await JobBed.make({ users: [alice()] });
    await bed.run();
    const [sink] = bed.sinks;
    if (sink instanceof MemorySink) {
      sink.held.get('alice')?.clear();
    }
    expect(await bed.run(deleting())).toMatchObject({ outcome: 'failed' });
    expect(left(bed)).toBe(20);
  });
});

describe('what the server makes of it', () => {
  it('Q38, RFC-65, RFC-66: QUIT refused: in doubt, exit later; the next run deletes again and fetches nothing', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.quitRefused()] });
    const result = await bed.run(deleting());
    expect(result).toMatchObject({ outcome: 'waiting', counts: { archivedNow: 20 } });
    expect(states(bed)).toEqual({ 'deletion-requested': 20 });
    bed.server.misbehaviour.allOff();
    expect(await bed.run(deleting())).toMatchObject({ outcome: 'done' });
    expect([left(bed), bed.server.record.count('RETR')]).toEqual([0, 20]);
  });

  it.each([true, false])(
    'QUIT unanswered (done: %s): the next listing says what became of it',
    async (isCommitted) => {
      await using bed = await JobBed.make({
        users: [alice()],
        misbehaviour: [wrong.quitUnanswered({ isCommitted })],
      });
      expect(await bed.run(deleting())).toMatchObject({ outcome: 'waiting' });
      bed.server.misbehaviour.allOff();
      expect(await bed.run(deleting())).toMatchObject({ outcome: 'done' });
      expect([left(bed), bed.server.record.count('RETR')]).toEqual([0, 20]);
      await bed.run(deleting());
      expect(states(bed)).toEqual({ deleted: 20 });
    },
  );

  it('Q39: DELE ignored: what shows again is said, and is deleted again without being fetched', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.deleIgnored()] });
    await bed.run(deleting());
    expect(left(bed)).toBe(20);
    await bed.run(deleting());
    expect(bed.eventsOf('logged').some(({ text }) => text.includes('on the server again'))).toBe(true);
    expect(bed.server.record.count('RETR')).toBe(20);
  });

  it('Q31: DELE refused for one message: that one fails, the others are deleted', async () => {
    await using bed = await JobBed.make({
      users: [alice()],
      misbehaviour: [wrong.refused({ verb: 'DELE', message: 9 })],
    });
    expect(await bed.run(deleting())).toMatchObject({ outcome: 'failed' });
    expect(left(bed)).toBe(1);
  });

  it('RFC-63, RFC-65: a connection that ends among the DELEs commits nothing, and the next session does it all', async () => {
    const misbehaviour = [wrong.endedAfter({ verb: 'DELE', message: 10, times: 1 })];
    await using bed = await JobBed.make({ users: [alice()], misbehaviour });
    const seen: number[] = [];
    const result = await bed.run({
      ...deleting(),
      failpoint: (name) => name === 'session.broken' && seen.push(left(bed)),
    });
    expect(result).toMatchObject({ outcome: 'done' });
    expect([seen, left(bed)]).toEqual([[20], 0]);
  });

  it('a deleted message that the server restores is counted and deleted again', async () => {
    const mailbox = new Mailbox(someMessages(3));
    await using bed = await JobBed.make({ users: [alice(mailbox)] });
    const before = mailbox.entries;
    await bed.run(deleting());
    await bed.run(deleting());
    mailbox.replaceEntries(() => before);
    expect(await bed.run(deleting())).toMatchObject({
      outcome: 'done',
      counts: { archivedBefore: 3, archivedNow: 0 },
    });
    expect(left(bed)).toBe(0);
  });
});

/** Takes everything, gives nothing back: a disk that lies. */
class ForgetfulSink extends MemorySink {
  constructor() {
    super('memory:forgetful');
  }

  override async openArchive(account: SinkAccount): Promise<SinkArchive> {
    const archive = await super.openArchive(account);
    const store: SinkArchive['store'] = async (batch, signal) => {
      const result = await archive.store(batch, signal);
      this.held.get(account.id)?.clear();
      return result;
    };
    return {
      root: archive.root,
      store,
      verify: (receipt) => archive.verify(receipt),
      close: () => archive.close(),
    };
  }
}
