/** What servers of the field do to a whole job, over several sessions and runs: everything is archived, once. */
import { describe, expect, it } from 'vitest';
import type { DemoUser } from '../../src/demo/demo-server.ts';
import type { Chunks } from '../../src/demo/dot-stuffing.ts';
import { Mailbox } from '../../src/demo/mailbox.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import { JobBed, type RunOptions, someMessages } from '../support/job-bed.ts';

const MESSAGES = someMessages(8);

const alice = (messages: DemoUser['messages'] = MESSAGES): DemoUser => ({
  name: 'alice',
  password: 'secret',
  ...(messages === undefined ? {} : { messages }),
});

const texts = (messages: readonly Buffer[]): string[] =>
  messages.map((octets) => octets.toString('latin1')).sort();

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

describe('a listing', () => {
  it('Q10, RFC-53: whose three answers disagree is told of; what all know is archived, the rest in a later run', async () => {
    const misbehaviour = [
      wrong.statSays('3 9'),
      wrong.listingEdited('UIDL', (line, number) => (number === 2 ? undefined : line)),
      wrong.listingEdited('LIST', (line, number) => (number === 5 ? undefined : line)),
    ];
    await using bed = await JobBed.make({ users: [alice()], misbehaviour });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 6, archivedNow: 6 } });
    const told = bed.eventsOf('logged').filter(({ level }) => level === 'warn');
    expect(told.map(({ text }) => text)).toEqual([expect.stringContaining('STAT counts 3')]);
    bed.server.misbehaviour.allOff();
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 2, archivedBefore: 6 } });
    expect(bed.held('alice')).toEqual(texts(MESSAGES));
  });

  it('Q11: in any order is put together by number, never by place', async () => {
    const misbehaviour = [wrong.reversed('UIDL')];
    await using bed = await JobBed.make({ users: [alice()], misbehaviour });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 8 } });
    bed.server.misbehaviour.allOff();
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 8 } });
    expect(bed.server.record.count('RETR')).toBe(8);
  });

  it('Q15: whose STAT has overflowed is a listing like others', async () => {
    const misbehaviour = [wrong.statSays('8 -1972428639')];
    await using bed = await JobBed.make({ users: [alice()], misbehaviour });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 8 } });
  });

  it.each([
    ['halved', (octets: number) => Math.floor(octets / 2)],
    ['short of one', (octets: number) => octets - 1],
    ['counted with LF', (octets: number) => octets - 3],
    ['rounded up', (octets: number) => Math.ceil(octets / 1024) * 1024],
    ['nothing', () => 0],
    ['absurd', () => 2 ** 40],
  ])('Q16, RFC-54: with sizes that are %s has every message archived whole, once', async (_, edit) => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [wrong.wrongSizes(edit)] });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 8 } });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedBefore: 8, archivedNow: 0 } });
    expect(bed.held('alice')).toEqual(texts(MESSAGES));
  });

  it('Q18: is never asked for one message alone, whatever the job does', async () => {
    const mailbox = new Mailbox(MESSAGES);
    await using bed = await JobBed.make({ users: [alice(mailbox)], misbehaviour: [wrong.noUidl()] });
    await bed.run();
    await bed.run();
    bed.server.misbehaviour.allOff();
    await bed.run(DELETING);
    const arguments_ = bed.server.record.commands
      .filter(({ verb }) => verb === 'LIST' || verb === 'UIDL')
      .map(({ argument }) => argument);
    expect(arguments_.length).toBeGreaterThan(4);
    expect(new Set(arguments_)).toEqual(new Set(['']));
  });
});

describe('TOP', () => {
  const cut = (octets: number) =>
    async function* (all: Chunks): AsyncGenerator<Buffer> {
      let left = octets;
      for await (const chunk of all) {
        yield chunk.subarray(0, left);
        left = Math.max(0, left - chunk.length);
      }
      yield Buffer.from('\r\n.\r\n');
    };

  it.each([
    ['cut short', wrong.octetsChanged({ verb: 'TOP' }, cut(12))],
    ['one line only', wrong.octetsChanged({ verb: 'TOP' }, cut(20))],
    ['+OK twice', wrong.statusSays({ verb: 'TOP' }, '+OK\r\n+OK 100 octets')],
    ['other headers', wrong.statusSays({ verb: 'TOP' }, '+OK\r\nX-Server: it adds what RETR has not')],
    ['refused though announced', wrong.refused({ verb: 'TOP' })],
  ])(
    'Q33, RFC-58: that is wrong (%s) costs a second RETR where there are no unique-ids, and no second copy',
    async (_, misbehaviour) => {
      await using bed = await JobBed.make({
        users: [alice()],
        misbehaviour: [wrong.noUidl(), misbehaviour],
      });
      expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 8 } });
      expect(await bed.run()).toMatchObject({
        outcome: 'done',
        counts: { archivedNow: 0, archivedBefore: 8 },
      });
      expect(bed.server.record.count('RETR')).toBe(16);
      expect(bed.held('alice')).toEqual(texts(MESSAGES));
    },
  );
});

describe('a message that differs each time it is fetched', () => {
  /** A converted message with a boundary of its own for each RETR, of one length. */
  const withNonce = () => {
    let nonce = 100;
    return wrong.octetsChanged({ verb: 'RETR' }, async function* (all: Chunks): AsyncGenerator<Buffer> {
      for await (const chunk of all) {
        yield Buffer.from(chunk.toString('latin1').replace('body', `b${nonce++}`), 'latin1');
      }
    });
  };

  it('Q37: is archived as it came, proved against that, and known by its unique-id from then on', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [withNonce()] });
    expect(await bed.run({ isReadingBack: true })).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 8 },
    });
    const held = bed.held('alice');
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 0, archivedBefore: 8 } });
    expect(bed.held('alice')).toEqual(held);
    expect(held.every((text) => /b1\d\d of message/.test(text))).toBe(true);
  });

  it('Q37: is deleted by what was proved, without a second look at its body', async () => {
    await using bed = await JobBed.make({ users: [alice()], misbehaviour: [withNonce()] });
    expect(await bed.run(DELETING)).toMatchObject({ outcome: 'done' });
    expect(bed.server.mailbox('alice').entries).toEqual([]);
    expect(bed.server.record.count('RETR')).toBe(8);
  });
});

describe('message numbers', () => {
  it('RFC-50: are read again in each session, since mail may have gone in between', async () => {
    const mailbox = new Mailbox(MESSAGES);
    const misbehaviour = [wrong.stoppedAfter({ verb: 'RETR', message: 5, times: 1 }, 20, 'fin')];
    await using bed = await JobBed.make({ users: [alice(mailbox)], misbehaviour });
    const onEvent: RunOptions['onEvent'] = (event) => {
      // Another client empties the front of the mailbox while we have no session.
      if (event.type === 'logged' && event.text.startsWith('the session broke')) {
        mailbox.replaceEntries((entries) => entries.slice(2));
      }
    };
    await bed.run({ onEvent });
    await bed.run();
    expect(bed.held('alice')).toEqual(texts(MESSAGES));
    const sessions = bed.server.record.commands.filter(({ verb }) => verb === 'UIDL');
    expect(sessions).toHaveLength(bed.server.record.sessions);
  });

  it('RFC-57: are not named again in the session that has sent their DELE', async () => {
    const misbehaviour = [
      wrong.wrongSizes((octets) => octets + 7),
      wrong.refused({ verb: 'DELE', message: 3 }),
    ];
    await using bed = await JobBed.make({ users: [alice()], misbehaviour });
    await bed.run(DELETING);
    const marked = new Set<string>();
    const namedAgain = bed.server.record.commands.filter(({ session, verb, argument }) => {
      const name = `${session} ${argument.split(' ')[0]}`;
      const isNamedAgain = marked.has(name);
      if (verb === 'DELE') {
        marked.add(name);
      }
      return isNamedAgain;
    });
    expect(marked.size).toBe(8);
    expect(namedAgain.map(String)).toEqual([]);
  });
});

describe('one maildrop', () => {
  it('RFC-60, Q41: that two accounts of a job name is opened by one after the other', async () => {
    const sink = new MemorySink();
    await using bed = await JobBed.make({ users: [alice()], sinks: [sink] });
    const [first, second] = ['one', 'two'].map((id) => ({ ...bed.source(alice()), id }));
    if (first === undefined || second === undefined) {
      throw new Error('no accounts');
    }
    const result = await bed.run({ accounts: [first, second], patienceMs: 60_000 });
    expect(result).toMatchObject({ outcome: 'done', counts: { archivedNow: 16 } });
    expect([...sink.held.keys()].sort()).toEqual(['one', 'two']);
  });
});
