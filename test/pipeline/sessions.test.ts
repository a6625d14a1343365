/** Several sessions of one account in one run: why there is another, and that all of them together add up. */
import { describe, expect, it } from 'vitest';
import type { DemoUser } from '../../src/demo/demo-server.ts';
import { Mailbox } from '../../src/demo/mailbox.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import * as sessionWrong from '../../src/demo/session-misbehaviour.ts';
import type { Budgets } from '../../src/pipeline/fetch-budget.ts';
import { NO_BUDGETS } from '../../src/pipeline/fetch-budget.ts';
import { JobBed, type RunOptions, someMessages } from '../support/job-bed.ts';

const alice = (messages: readonly Buffer[] | Mailbox): DemoUser => ({
  name: 'alice',
  password: 'secret',
  messages,
});

const texts = (messages: readonly Buffer[]): string[] =>
  messages.map((octets) => octets.toString('latin1')).sort();

const RULES = {
  ageMs: 0,
  max: undefined,
  maxPercent: undefined,
  keepNewest: undefined,
  keepForMs: undefined,
  keepBelowOctets: undefined,
};

const DELETING = { isReadingBack: true, deletion: RULES };

const budgets = (some: Partial<Budgets>): RunOptions => ({ budgets: { ...NO_BUDGETS, ...some } });

/** Promise 11, over whatever the run came to. */
function expectToAddUp({ counts }: Awaited<ReturnType<JobBed['run']>>): void {
  const { listed, archivedNow, archivedBefore, skipped, quarantined, failed } = counts;
  expect(archivedNow + archivedBefore + skipped + quarantined + failed).toBe(listed);
}

describe('a session that ends early', () => {
  it('RFC-50, RFC-51: is opened again in the same run, reads the numbers anew, and fetches nothing twice', async () => {
    const messages = someMessages(65);
    const mailbox = new Mailbox(messages);
    await using bed = await JobBed.make({
      users: [alice(mailbox)],
      misbehaviour: [sessionWrong.hangsUpAfter(20)],
    });
    let isMoved = false;
    const result = await bed.run({
      onEvent: ({ type }) => {
        if (type === 'message.archived' && !isMoved) {
          isMoved = true;
          // All numbers are others in the next session.
          mailbox.replaceEntries((entries) => [...entries].reverse());
        }
      },
    });
    expect(result).toMatchObject({ outcome: 'done', counts: { listed: 65, archivedNow: 65, failed: 0 } });
    expectToAddUp(result);
    expect(bed.held('alice')).toEqual(texts(messages));
    expect(bed.server.record.sessions).toBeGreaterThanOrEqual(4);
    expect(bed.events.filter(({ type }) => type === 'message.archived')).toHaveLength(65);
  });

  it('stops with its reason where the sessions come no further', async () => {
    const misbehaviour = [wrong.endedAfter({ verb: 'CAPA', skip: 1 }), wrong.endedAfter({ verb: 'LIST' })];
    await using bed = await JobBed.make({ users: [alice(someMessages(5))], misbehaviour });
    const result = await bed.run({ pipeline: 1 });
    expect(result).toMatchObject({ outcome: 'waiting', counts: { archivedNow: 0 } });
    expect(bed.eventsOf('account.finished')).toMatchObject([{ failure: { code: 'connection-closed' } }]);
    expect(bed.server.record.sessions).toBe(1);
  });

  it('where the line broke and not the message, fetches that message in the next session', async () => {
    const misbehaviour = [wrong.stoppedAfter({ verb: 'RETR', message: 8, times: 1 }, 40, 'rst')];
    await using bed = await JobBed.make({ users: [alice(someMessages(20))], misbehaviour });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { archivedNow: 20, failed: 0 } });
    expect(bed.server.record.sessions).toBe(2);
  });

  it('asks for the message at which it broke first and alone, and for the others without it if that breaks again', async () => {
    const misbehaviour = [wrong.stoppedBeforeTerminator({ verb: 'RETR', message: 8 })];
    await using bed = await JobBed.make({ users: [alice(someMessages(20))], misbehaviour });
    const result = await bed.run();
    expect(result).toMatchObject({
      outcome: 'waiting',
      counts: { listed: 20, archivedNow: 19, failed: 1, unreached: 0 },
    });
    const second = bed.server.record.commands.filter(({ session, verb }) => session === 2 && verb === 'RETR');
    expect(second.map(String)).toEqual(['RETR 8']);
    expect(bed.server.record.sessions).toBe(3);
    expect(bed.server.record.count('RETR', '8')).toBe(2);
  });

  it('that breaks among the DELEs commits nothing, and the next session deletes', async () => {
    const misbehaviour = [wrong.endedAfter({ verb: 'DELE', message: 10, times: 1 })];
    await using bed = await JobBed.make({ users: [alice(someMessages(20))], misbehaviour });
    const result = await bed.run(DELETING);
    expect(result).toMatchObject({ outcome: 'done', counts: { listed: 20, archivedNow: 20 } });
    expect(bed.server.mailbox('alice').entries).toHaveLength(0);
    expect(bed.server.record.count('RETR')).toBe(20);
  });
});

describe('a server that shows a window of the mailbox', () => {
  it('Q14: is asked again until a login yields nothing new (oldest that were not fetched, 250 at a time)', async () => {
    const messages = someMessages(620);
    await using bed = await JobBed.make({
      users: [alice(messages)],
      misbehaviour: [sessionWrong.popWindow(250)],
    });
    const result = await bed.run();
    expect(result).toMatchObject({
      outcome: 'done',
      counts: { listed: 620, archivedNow: 620, archivedBefore: 0 },
    });
    expectToAddUp(result);
    expect(bed.held('alice')).toEqual(texts(messages));
    expect(bed.server.record.sessions).toBe(4);
  });

  it('Q14: is drained by deleting where it shows the newest, and counts each message once', async () => {
    const messages = someMessages(620);
    await using bed = await JobBed.make({
      users: [alice(messages)],
      misbehaviour: [sessionWrong.newestOnly(250)],
    });
    const result = await bed.run(DELETING);
    expect(result).toMatchObject({ outcome: 'done', counts: { listed: 620, archivedNow: 620 } });
    expectToAddUp(result);
    expect(bed.server.mailbox('alice').entries).toHaveLength(0);
  });

  it('Q14: an absent unique-id is not forgotten, and a message that shows again is not fetched again', async () => {
    const messages = someMessages(300);
    await using bed = await JobBed.make({
      users: [alice(messages)],
      misbehaviour: [sessionWrong.popWindow(250)],
    });
    await bed.run();
    bed.server.misbehaviour.allOff();
    const result = await bed.run();
    expect(result).toMatchObject({
      outcome: 'done',
      counts: { listed: 300, archivedBefore: 300, archivedNow: 0 },
    });
    expect(bed.server.record.count('RETR')).toBe(300);
  });

  it('Q14: an ordinary server is not logged in to a second time for the few messages of a night', async () => {
    const mailbox = new Mailbox(someMessages(333));
    await using bed = await JobBed.make({ users: [alice(mailbox)] });
    await bed.run();
    const first = bed.server.record.sessions;
    mailbox.append(...someMessages(5, 'night'));
    expect(await bed.run()).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 5, archivedBefore: 333 },
    });
    // A first listing of so many new messages might have been a window; one night's is not.
    expect([first, bed.server.record.sessions]).toEqual([2, 3]);
  });

  it.each([
    ['never', 1],
    ['always', 4],
  ] as const)('Q14: drain: %s', async (drain, sessions) => {
    const user = alice(someMessages(60));
    await using bed = await JobBed.make({ users: [user], misbehaviour: [sessionWrong.popWindow(20)] });
    const result = await bed.run({ accounts: [{ ...bed.source(user), drain }] });
    expect(result.counts.archivedNow).toBe(drain === 'never' ? 20 : 60);
    expect(bed.server.record.sessions).toBe(sessions);
  });

  it('Q14: a further login that is refused for now leaves a maildrop done that showed no more', async () => {
    const misbehaviour = [wrong.inUse(1)].map((one) => ({ ...one, skip: 1 }));
    await using bed = await JobBed.make({ users: [alice(someMessages(250))], misbehaviour });
    expect(await bed.run()).toMatchObject({ outcome: 'done', counts: { listed: 250, archivedNow: 250 } });
    expect(bed.server.record.sessions).toBe(2);
  });
});

describe('budgets', () => {
  it('end a session in order after so many messages, and the next one goes on', async () => {
    const messages = someMessages(50);
    await using bed = await JobBed.make({ users: [alice(messages)] });
    const result = await bed.run({ ...DELETING, ...budgets({ messagesPerSession: 20 }) });
    expect(result).toMatchObject({ outcome: 'done', counts: { listed: 50, archivedNow: 50, failed: 0 } });
    expectToAddUp(result);
    expect(bed.held('alice')).toEqual(texts(messages));
    expect(bed.server.record.sessions).toBe(3);
    expect(bed.server.record.count('QUIT')).toBe(3);
    expect(bed.server.mailbox('alice').entries).toHaveLength(0);
  });

  it('end a session after so many octets; a message that is larger goes alone', async () => {
    const large = Buffer.from(`Subject: large\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(100));
    const messages = [...someMessages(3), large, ...someMessages(3, 'later')];
    await using bed = await JobBed.make({ users: [alice(messages)] });
    const result = await bed.run(budgets({ octetsPerSession: 1_000 }));
    expect(result).toMatchObject({ outcome: 'done', counts: { archivedNow: 7 } });
    const perSession = [1, 2, 3].map((session) =>
      bed.server.record.commands.filter((one) => one.session === session && one.verb === 'RETR').map(String),
    );
    expect(perSession).toEqual([['RETR 1', 'RETR 2', 'RETR 3'], ['RETR 4'], ['RETR 5', 'RETR 6', 'RETR 7']]);
  });

  it('max of delete counts per run, over all its sessions', async () => {
    await using bed = await JobBed.make({ users: [alice(someMessages(50))] });
    const deletion = { ...RULES, max: 15 };
    await bed.run({ ...DELETING, deletion, ...budgets({ messagesPerSession: 10 }) });
    expect(bed.server.mailbox('alice').entries).toHaveLength(35);
  });

  it('Q44: the day’s octets are never exceeded, over sessions and runs; what is archived is deleted, and the rest waits', async () => {
    const messages = someMessages(40);
    const sizes = messages.map(({ length }) => length);
    const day = sizes.reduce((sum, size) => sum + size, 0) / 2;
    const server = sessionWrong.quota(day);
    await using bed = await JobBed.make({ users: [alice(messages)], misbehaviour: [server] });
    const now = { at: Date.UTC(2026, 10, 21, 22) };
    const options = {
      ...DELETING,
      ...budgets({ octetsPerDay: day, messagesPerSession: 7 }),
      now: () => now.at,
    };
    const first = await bed.run(options);
    expectToAddUp(first);
    expect(first).toMatchObject({ outcome: 'waiting', counts: { listed: 40 } });
    expect(bed.eventsOf('account.finished')).toMatchObject([
      { failure: { code: 'budget-day', text: expect.stringContaining('2026-11-22T00:00:00Z') } },
    ]);
    expect(first.counts.archivedNow).toBeGreaterThanOrEqual(19);
    expect(bed.server.mailbox('alice').entries).toHaveLength(40 - first.counts.archivedNow);
    now.at += 3_600_000;
    expect(await bed.run(options)).toMatchObject({ outcome: 'waiting', counts: { archivedNow: 0 } });
    now.at += 3_600_000;
    server.renew();
    const third = await bed.run(options);
    expectToAddUp(third);
    now.at += 86_400_000;
    server.renew();
    await bed.run(options);
    expect(bed.held('alice')).toEqual(texts(messages));
    expect(server.refusals).toBe(0);
  });

  it('Q44: a message larger than the day’s octets is fetched alone on its day', async () => {
    const large = Buffer.from(`Subject: large\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(100));
    const messages = [...someMessages(2), large, ...someMessages(2, 'later')];
    await using bed = await JobBed.make({ users: [alice(messages)] });
    const archived: number[] = [];
    for (let day = 0; day < 3; day += 1) {
      const now = Date.UTC(2026, 10, 21 + day);
      const { counts } = await bed.run({ ...budgets({ octetsPerDay: 500 }), now: () => now });
      archived.push(counts.archivedNow);
    }
    expect(archived).toEqual([2, 1, 2]);
    expect(bed.held('alice')).toEqual(texts(messages));
  });

  it('Q44: what a broken session had set aside and not fetched is given back', async () => {
    const messages = someMessages(20);
    const day = messages.reduce((sum, { length }) => sum + length, 0) + 60;
    const misbehaviour = [wrong.stoppedAfter({ verb: 'RETR', message: 3, times: 1 }, 40, 'fin')];
    await using bed = await JobBed.make({ users: [alice(messages)], misbehaviour });
    expect(await bed.run(budgets({ octetsPerDay: day }))).toMatchObject({
      outcome: 'done',
      counts: { archivedNow: 20 },
    });
  });
});

describe('pipelining that does not work though it is announced', () => {
  it.each([
    ['Q49', 'closes the connection', 5_000, wrong.pipeliningEnds('fin')],
    ['Q49', 'resets the connection', 5_000, wrong.pipeliningEnds('rst')],
    ['Q49', 'mixes up the answers', 5_000, sessionWrong.interleaved()],
    ['Q50', 'answers only the first of what was sent ahead', 1_500, wrong.pipelinedLost()],
  ])('%s: a server that %s is spoken to without it in the same run, and remembered', async (...facts) => {
    const [, , timeoutMs, misbehaviour] = facts;
    const messages = someMessages(30);
    await using bed = await JobBed.make({ users: [alice(messages)], misbehaviour: [misbehaviour] });
    const result = await bed.run({ timeoutMs });
    expect(result).toMatchObject({ outcome: 'done', counts: { listed: 30, archivedNow: 30, failed: 0 } });
    expect(bed.held('alice')).toEqual(texts(messages));
    expect(bed.server.record.sessions).toBe(2);
    bed.server.mailbox('alice').append(...someMessages(5, 'later'));
    expect(await bed.run({ timeoutMs })).toMatchObject({ outcome: 'done', counts: { archivedNow: 5 } });
    expect(bed.server.record.sessions).toBe(3);
  });

  it('Q49: is tried again after 30 days, and remembered anew', async () => {
    const users = [alice(someMessages(30))];
    await using bed = await JobBed.make({ users, misbehaviour: [wrong.pipeliningEnds()] });
    const start = Date.now();
    await bed.run();
    bed.server.misbehaviour.allOff();
    const peak = async (now: number): Promise<boolean> => {
      bed.server.mailbox('alice').append(...someMessages(3, `at ${now}`));
      const probe = wrong.trailed({ verb: 'RETR' }, '');
      let isPipelined = false;
      const off = bed.server.misbehaviour.on({
        ...probe,
        strikes: (occasion) => {
          isPipelined ||= occasion.isPipelined;
          return false;
        },
      });
      await bed.run({ now: () => now });
      off();
      return isPipelined;
    };
    expect(await peak(start + 29 * 86_400_000)).toBe(false);
    expect(await peak(start + 31 * 86_400_000)).toBe(true);
  });

  it('Q49: a message that is bad by itself is not blamed on pipelining', async () => {
    const misbehaviour = [wrong.stoppedBeforeTerminator({ verb: 'RETR', message: 8 })];
    await using bed = await JobBed.make({ users: [alice(someMessages(20))], misbehaviour });
    expect(await bed.run()).toMatchObject({ counts: { archivedNow: 19, failed: 1 } });
    expect(
      bed.events.some((event) => event.type === 'logged' && event.text.includes('it is not used there')),
    ).toBe(false);
  });
});
