import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DemoUser } from '../../src/demo/demo-server.ts';
import { Mailbox } from '../../src/demo/mailbox.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import type { FailpointName } from '../../src/errors/failpoint.ts';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { SinkAccount, SinkArchive } from '../../src/sink/sink.ts';
import { JobBed, someMessages } from '../support/job-bed.ts';

const alice = (messages: readonly Buffer[] = someMessages(20)): DemoUser => ({
  name: 'alice',
  password: 'secret',
  messages,
});

const texts = (messages: readonly Buffer[]): string[] =>
  messages.map((octets) => octets.toString('latin1')).sort();

describe('a run', () => {
  it('archives every message octet for octet, and a second run fetches nothing', async () => {
    const messages = [
      ...someMessages(300),
      Buffer.from('.\r\n..\r\n.x\r\n'),
      Buffer.alloc(0),
      Buffer.from('\0\r\n\x80\xff\r\n', 'latin1'),
    ];
    await using bed = await JobBed.make({ users: [alice(messages)] });
    const first = await bed.run();
    expect(first).toMatchObject({ outcome: 'done', counts: { listed: 303, archivedNow: 303, failed: 0 } });
    expect(bed.held('alice')).toEqual(texts(messages));
    const second = await bed.run();
    expect(second).toMatchObject({
      outcome: 'done',
      counts: { listed: 303, archivedNow: 0, archivedBefore: 303 },
    });
    expect(bed.server.record.count('RETR')).toBe(303);
  });

  it.each([
    ['all go through spool files', 0, 8],
    ['all find room in memory, one after another', 5 * 1024 * 1024, 0],
    ['those go through spool files that find no room', 320 * 1024, 2],
  ])('of large messages %s, and nothing is left of them', async (_, memoryOctets, least) => {
    const messages = Array.from({ length: 8 }, (_each, index) =>
      Buffer.from(
        `Subject: ${index}\r\n\r\n${'0123456789abcdef'.repeat(64)}\r\n`.repeat(100 + 100 * (index % 4)),
        'latin1',
      ),
    );
    await using bed = await JobBed.make({ users: [alice(messages)] });
    let spilled = 0;
    const failpoint = (name: FailpointName): void => {
      spilled += name === 'spool.spilled' ? 1 : 0;
    };
    expect(await bed.run({ memoryOctets, failpoint })).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 8, octets: messages.reduce((sum, { length }) => sum + length, 0) },
    });
    expect(bed.held('alice')).toEqual(texts(messages));
    expect(spilled).toBeGreaterThanOrEqual(least);
    expect(spilled).toBeLessThanOrEqual(least === 0 ? 0 : 8);
    expect(readdirSync(join(bed.folder, 'state', 'spool'))).toEqual([]);
  });

  it('gives each message to every sink', async () => {
    const sinks = [new MemorySink('memory:one'), new MemorySink('memory:two')];
    await using bed = await JobBed.make({ users: [alice()], sinks });
    await bed.run();
    expect(sinks.map((sink) => sink.held.get('alice')?.size)).toEqual([20, 20]);
  });

  it('gives a sink that was added later what it lacks, and stores nothing twice in the others', async () => {
    const one = new MemorySink('memory:one');
    const two = new MemorySink('memory:two');
    await using bed = await JobBed.make({ users: [alice()], sinks: [one] });
    await bed.run();
    one.held.get('alice')?.clear();
    expect(await bed.run({ sinks: [one, two] })).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 20 },
    });
    expect([one.held.get('alice')?.size, two.held.get('alice')?.size]).toEqual([0, 20]);
  });

  it('RFC-50: fetches only what is new since the last run', async () => {
    const mailbox = new Mailbox(someMessages(5));
    await using bed = await JobBed.make({
      users: [{ name: 'alice', password: 'secret', messages: mailbox }],
    });
    await bed.run();
    mailbox.append(Buffer.from('Subject: late\r\n\r\n'));
    expect(await bed.run()).toMatchObject({ counts: { listed: 6, archivedNow: 1, archivedBefore: 5 } });
  });

  it('RFC-60: ends with QUIT, so that the maildrop is free', async () => {
    await using bed = await JobBed.make({ users: [alice()] });
    await bed.run();
    expect(bed.server.record.transcript().at(-1)).toBe('QUIT');
  });

  it('never has more sessions at once than a host may have', async () => {
    const users = Array.from({ length: 12 }, (_, index) => ({
      name: `user${index}`,
      password: 'secret',
      messages: someMessages(3),
    }));
    await using bed = await JobBed.make({ users });
    expect(await bed.run({ limits: { accounts: 8, perHost: 2 } })).toMatchObject({
      counts: { archivedNow: 36 },
    });
    expect(bed.server.record.peakSessions).toBeLessThanOrEqual(2);
  });
});

describe('failures stay where they are (promise 10)', () => {
  it('Q30, RFC-56: one message answered -ERR does not stop the others, is named with its reason, and is tried again', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.retrRefused(7)] });
    const result = await bed.run();
    expect(result).toMatchObject({
      outcome: 'failed',
      counts: { listed: 20, archivedNow: 19, failed: 1, unreached: 0 },
    });
    expect(bed.eventsOf('message.failed')).toMatchObject([{ failure: { code: 'pop3-refused' } }]);
    bed.server.misbehaviour.allOff();
    expect(await bed.run()).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 1, archivedBefore: 19 },
    });
  });

  it('an account with a wrong password fails alone', async () => {
    const users = [alice(), { name: 'bob', password: 'right', messages: someMessages(3) }];
    await using bed = await JobBed.make({ users });
    const [a, b] = users;
    if (a === undefined || b === undefined) {
      throw new Error('two users');
    }
    const accounts = [bed.source(a), bed.source({ ...b, password: 'wrong' })];
    expect(await bed.run({ accounts })).toMatchObject({ outcome: 'failed', counts: { archivedNow: 20 } });
    const failed = bed.eventsOf('account.finished').find(({ account }) => account === 'bob');
    expect(failed).toMatchObject({ outcome: 'failed', failure: { code: 'login-refused' } });
    expect(bed.server.record.count('PASS') + bed.server.record.count('AUTH')).toBe(2);
  });

  it('a maildrop that is locked is waited for, as long as patience lasts, and is no wrong password (Q41)', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.inUse(1)] });
    expect(await bed.run({ patienceMs: 0 })).toMatchObject({
      outcome: 'waiting',
      counts: { archivedNow: 0 },
    });
    expect(bed.eventsOf('account.finished')).toMatchObject([{ failure: { code: 'pop3-in-use' } }]);
    bed.server.misbehaviour.on(wrong.inUse(1));
    expect(await bed.run({ patienceMs: 60_000 })).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 20 },
    });
  });

  it('Q25, RFC-24, RFC-50, RFC-51: a message at which sessions break does not stop the others, and the next run fetches it', async () => {
    await using bed = await JobBed.make({
      users: [alice()],
      misbehaviour: [wrong.stoppedAfter({ verb: 'RETR', message: 8, times: 2 }, 40, 'fin')],
    });
    const result = await bed.run();
    expect(result).toMatchObject({
      outcome: 'waiting',
      counts: { listed: 20, archivedNow: 19, failed: 1, unreached: 0 },
    });
    expect(bed.eventsOf('message.failed')).toMatchObject([
      { uidl: 'demo-00000008', failure: { code: 'connection-closed' } },
    ]);
    expect(await bed.run()).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 1, archivedBefore: 19 },
    });
    expect(bed.held('alice')).toEqual(texts(someMessages(20)));
  });

  it('a message whose lone dot the server does not stuff stops neither the account nor the next run (Q26)', async () => {
    const dotted = Buffer.from('.\r\nSubject: dotted\r\n\r\nbody\r\n');
    const messages = [...someMessages(3), dotted, ...someMessages(3, 'later')];
    await using bed = await JobBed.make({ users: [alice(messages)], misbehaviour: [wrong.unstuffedDots()] });
    expect(await bed.run()).toMatchObject({
      outcome: 'failed',
      counts: { listed: 7, archivedNow: 6, failed: 1 },
    });
    expect(await bed.run()).toMatchObject({
      outcome: 'failed',
      counts: { archivedBefore: 6, archivedNow: 0, failed: 1 },
    });
    expect(bed.held('alice')).toEqual(texts(messages.filter((message) => message !== dotted)));
  });

  it('a server that breaks every session ends its account after some of them', async () => {
    const misbehaviour = [wrong.stoppedAfter({ verb: 'RETR' }, 40, 'fin')];
    await using bed = await JobBed.make({ users: [alice()], misbehaviour });
    const { outcome, counts } = await bed.run();
    expect([outcome, counts.archivedNow, counts.failed]).toEqual(['waiting', 0, 20]);
    expect(bed.server.record.sessions).toBe(10);
  });

  it('Q9, RFC-53: a malformed line in a listing fails the account, and nothing of it is guessed', async () => {
    await using bed = await JobBed.make({
      users: [alice()],
      misbehaviour: [wrong.malformedLine('UIDL', 3, 'three abc')],
    });
    const result = await bed.run();
    expect(result).toMatchObject({ outcome: 'failed', counts: { archivedNow: 0 } });
    expect(bed.eventsOf('account.finished')).toMatchObject([{ failure: { code: 'pop3-malformed-listing' } }]);
    expect(bed.server.record.count('RETR')).toBe(0);
  });

  it('Q32: a sink that fails stops the account without QUIT, and nothing counts as archived', async () => {
    const sink = new BrokenSink();
    await using bed = await JobBed.make({ users: [alice()], sinks: [sink] });
    expect(await bed.run()).toMatchObject({ outcome: 'failed', counts: { archivedNow: 0, failed: 20 } });
    expect(bed.server.record.count('QUIT')).toBe(0);
  });

  it('a full sink stops accounts that were not begun, with its reason', async () => {
    const users = ['a', 'b', 'c'].map((name) => ({ name, password: 'secret', messages: someMessages(2) }));
    await using bed = await JobBed.make({ users, sinks: [new BrokenSink()] });
    await bed.run({ limits: { accounts: 1, perHost: 1 } });
    expect(bed.server.record.sessions).toBe(1);
    expect(bed.eventsOf('account.finished').map(({ failure }) => failure?.code)).toEqual(
      Array.from({ length: 3 }, () => 'sink-full'),
    );
  });

  it('a message that only one of two sinks took is not archived, and is stored once in each in the end', async () => {
    const good = new MemorySink('memory:good');
    const broken = new BrokenSink();
    await using bed = await JobBed.make({ users: [alice()], sinks: [good, broken] });
    expect(await bed.run()).toMatchObject({ outcome: 'failed', counts: { archivedNow: 0 } });
    const held = good.held.get('alice')?.size ?? 0;
    broken.isBroken = false;
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 20, listed: 20 } });
    expect(held).toBeGreaterThan(0);
    expect(good.held.get('alice')?.size).toBe(20);
    expect(broken.held.get('alice')?.size).toBe(20);
  });
});

describe('identity (promise 9)', () => {
  it('Q3, RFC-49: archives two equal messages under one unique-id as two, and the second run fetches neither', async () => {
    const twin = Buffer.from('Subject: twin\r\n\r\n');
    await using bed = await JobBed.make({
      users: [alice([twin, twin])],
      misbehaviour: [wrong.duplicateUidls()],
    });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 2 } });
    expect(bed.held('alice')).toHaveLength(2);
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 2 } });
    expect(bed.server.record.count('RETR')).toBe(2);
  });

  it('Q3: archives different messages under one unique-id', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.duplicateUidls()] });
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 20 } });
    await bed.run();
    expect(bed.held('alice')).toEqual(texts(someMessages(20)));
  });

  it.each([
    ['Q8', 'empty', wrong.emptyUidls()],
    ['Q4', 'over-long', wrong.longUidls(200)],
    ['Q1, RFC-52', 'missing altogether', wrong.noUidl()],
  ])('%s: archives each message once where unique-ids are %s', async (_quirk, _kind, misbehaviour) => {
    const twin = Buffer.from('Subject: twin\r\n\r\n');
    const messages = [...someMessages(10), twin, twin];
    await using bed = await JobBed.make({ users: [alice(messages)], misbehaviour: [misbehaviour] });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 12 } });
    const fetched = bed.server.record.count('RETR');
    expect(await bed.run()).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 0, archivedBefore: 12 },
    });
    expect(bed.held('alice')).toEqual(texts(messages));
    expect(bed.server.record.count('RETR')).toBe(fetched);
  });

  it('Q33, RFC-58: recognises by its octets what TOP cannot show, and archives a third equal message that came later', async () => {
    const twin = Buffer.from('Subject: twin\r\n\r\n');
    const mailbox = new Mailbox([twin, twin]);
    await using bed = await JobBed.make({
      users: [{ name: 'alice', password: 'secret', messages: mailbox }],
      misbehaviour: [wrong.noUidl(), wrong.refused({ verb: 'TOP' })],
    });
    await bed.run();
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 2 } });
    mailbox.append(twin);
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 1, archivedBefore: 2 } });
    expect(bed.held('alice')).toHaveLength(3);
  });

  it('Q13: archives a new message under a unique-id that was used before', async () => {
    const name = { name: 'alice', password: 'secret' };
    const mailbox = new Mailbox([{ content: Buffer.from('first\r\n'), uidl: 'same' }]);
    await using bed = await JobBed.make({ users: [{ ...name, messages: mailbox }] });
    await bed.run();
    mailbox.replaceEntries(() => []);
    mailbox.append({ content: Buffer.from('quite another one\r\n'), uidl: 'same' });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 1 } });
    expect(bed.held('alice')).toHaveLength(2);
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 1 } });
  });

  it('Q16: does not store again what the server re-sized, and believes the new size from then on', async () => {
    await using bed = await JobBed.make({ users: [alice()] });
    await bed.run();
    bed.server.misbehaviour.on(wrong.wrongSizes((octets) => octets + 55));
    expect(await bed.run()).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 0, archivedBefore: 20 },
    });
    expect(await bed.run()).toMatchObject({ counts: { archivedBefore: 20 } });
    expect(bed.server.record.count('RETR')).toBe(40);
    expect(bed.held('alice')).toHaveLength(20);
  });
});

describe('stopping', () => {
  it('once: finishes what is in flight, archives it, and the next run goes on without a duplicate', async () => {
    const stop = new AbortController();
    const messages = someMessages(2_000);
    await using bed = await JobBed.make({ users: [alice(messages)] });
    const result = await bed.run({
      stopSignal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'message.archived') {
          stop.abort();
        }
      },
    });
    expect(result.outcome).toBe('interrupted');
    expect(result.counts.archivedNow).toBeGreaterThan(0);
    expect(result.counts.unreached).toBeGreaterThan(0);
    expect(bed.server.record.transcript().at(-1)).toBe('QUIT');
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 2_000, failed: 0 } });
    expect(bed.held('alice')).toEqual(texts(messages));
  });

  it('RFC-51: twice: drops the connection at once, and the next run goes on without loss', async () => {
    const drop = new AbortController();
    const messages = someMessages(2_000);
    await using bed = await JobBed.make({ users: [alice(messages)] });
    const result = await bed.run({
      dropSignal: drop.signal,
      onEvent: (event) => {
        if (event.type === 'message.archived') {
          drop.abort();
        }
      },
    });
    expect(result.outcome).toBe('interrupted');
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 2_000, failed: 0 } });
    expect(bed.held('alice')).toEqual(texts(messages));
  });

  it('does not begin accounts after the stop', async () => {
    const stop = new AbortController();
    stop.abort();
    await using bed = await JobBed.make({ users: [alice()] });
    expect(await bed.run({ stopSignal: stop.signal })).toMatchObject({ outcome: 'interrupted' });
    expect(bed.server.record.sessions).toBe(0);
  });
});

describe('rules', () => {
  it('skip by size and by date, count what they skipped, and are asked again in each run', async () => {
    const dated = (day: string): Buffer => Buffer.from(`Date: ${day} 00:00:00 +0000\r\nSubject: x\r\n\r\n`);
    const messages = [
      dated('Thu, 01 Jan 2015'),
      dated('Wed, 20 Jan 2016'),
      Buffer.from('Subject: undated\r\n\r\n'),
    ];
    await using bed = await JobBed.make({ users: [alice(messages)] });
    const select = {
      olderThanMs: 30 * 86_400_000,
      newerThanMs: undefined,
      largerThanOctets: undefined,
      smallerThanOctets: undefined,
    };
    const result = await bed.run({ select, now: () => Date.UTC(2016, 0, 31) });
    expect(result).toMatchObject({ outcome: 'done', counts: { listed: 3, archivedNow: 2, skipped: 1 } });
    expect(bed.eventsOf('message.skipped')).toMatchObject([{ rule: 'select.olderThan' }]);
    expect(await bed.run({ select })).toMatchObject({
      counts: { archivedNow: 1, archivedBefore: 2, skipped: 0 },
    });
  });
});

/** A sink with a full disk. */
class BrokenSink extends MemorySink {
  isBroken = true;

  constructor() {
    super('memory:broken');
  }

  override async openArchive(account: SinkAccount): Promise<SinkArchive> {
    const archive = await super.openArchive(account);
    const store: SinkArchive['store'] = async (batch, signal) => {
      if (this.isBroken) {
        throw new MailferryError('no space', { code: 'sink-full', scope: 'sink', retry: 'never' });
      }
      return archive.store(batch, signal);
    };
    return {
      root: archive.root,
      store,
      verify: (receipt) => archive.verify(receipt),
      close: () => archive.close(),
    };
  }
}
