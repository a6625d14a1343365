/** Verification over sinks of every temper: those that fail, that cannot list, that share a place. */
import { describe, expect, it } from 'vitest';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import type { MailferryEvent } from '../../src/pipeline/events.ts';
import { type VerifyJobContext, verifyJob } from '../../src/pipeline/verify-job.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { ReadablePlace, Receipt, SinkReader, Verification } from '../../src/sink/sink.ts';
import { JobBed, someMessages } from '../support/job-bed.ts';

const user = (name: string, count = 10) => ({
  name,
  password: 'secret',
  messages: someMessages(count, name),
});

/** A job that has run, and its verification. */
async function ranBed(sink = new MemorySink(), names: readonly string[] = ['alice', 'bob']): Promise<JobBed> {
  const bed = await JobBed.make({ users: names.map((name) => user(name)), sinks: [sink] });
  await bed.run();
  return bed;
}

async function verify(bed: JobBed, over: Partial<VerifyJobContext> = {}) {
  const events: MailferryEvent[] = [];
  const ledger = openLedgerReader({ statePath: `${bed.folder}/state` });
  if (ledger === undefined) throw new Error('there is no ledger');
  try {
    const result = await verifyJob({
      job: 'test',
      accounts: ['alice', 'bob', 'never seen'],
      ledger,
      sinks: bed.sinks,
      scope: { share: 1, since: undefined },
      random: () => 0,
      now: Date.now,
      emit: (event) => events.push(event),
      stopSignal: new AbortController().signal,
      ...over,
    });
    const differing = events.filter((event) => event.type === 'message.differs');
    return { ...result, events, differing };
  } finally {
    ledger.close();
  }
}

/** Reads go wrong as told. */
class FailingSink extends MemorySink {
  readonly retry: 'never' | 'later';

  constructor(retry: 'never' | 'later') {
    super();
    this.retry = retry;
  }

  override async openReader(place: ReadablePlace): Promise<SinkReader> {
    const reader = await super.openReader(place);
    const { retry } = this;
    return {
      async verify(receipt: Receipt): Promise<Verification> {
        if (place.accountId === 'alice') {
          throw new MailferryError('no octets came', { code: 'sink-io', scope: 'sink', retry });
        }
        return reader.verify(receipt);
      },
      close: () => reader.close(),
    };
  }
}

describe('verification of a job', () => {
  it('counts everything as kept where it is, and tells each account as it ends', async () => {
    await using bed = await ranBed();
    const { verdict, counts, events } = await verify(bed);
    expect(verdict).toBe('done');
    expect(counts).toMatchObject({ receipts: 20, read: 20, intact: 20, missing: 0, changed: 0, extra: 0 });
    expect(events.map(({ type }) => type).filter((type) => type === 'account.verified')).toHaveLength(3);
    expect([events[0]?.type, events.at(-1)?.type]).toEqual(['verification.started', 'verification.finished']);
  });

  it('finds what is missing, changed and extra, with the unique-ids of what has any', async () => {
    const sink = new MemorySink();
    await using bed = await ranBed(sink);
    const held = sink.held.get('alice') ?? new Map<string, Buffer>();
    const [lost = '', spoilt = ''] = held.keys();
    held.delete(lost);
    held.set(spoilt, Buffer.from('other octets'));
    held.set('nobody knows it', Buffer.from('extra'));
    const { verdict, counts, differing } = await verify(bed);
    expect(verdict).toBe('different');
    expect(counts).toMatchObject({ read: 20, intact: 18, missing: 1, changed: 1, extra: 1 });
    expect(differing).toMatchObject([
      { account: 'alice', difference: 'missing', uidl: 'demo-00000001', location: lost },
      { account: 'alice', difference: 'changed', uidl: 'demo-00000002', location: spoilt },
      { account: 'alice', difference: 'extra', uidl: null, location: 'nobody knows it' },
    ]);
  });

  it('tells a message that the disk does not give of that message, and reads the others', async () => {
    await using bed = await ranBed(new FailingSink('never'));
    const { verdict, counts } = await verify(bed);
    expect(verdict).toBe('failed');
    expect(counts).toMatchObject({ read: 20, intact: 10, unreadable: 10 });
  });

  it('gives an account up where the store is away, and verifies the others', async () => {
    await using bed = await ranBed(new FailingSink('later'));
    const { verdict, counts, events } = await verify(bed);
    expect(verdict).toBe('waiting');
    expect(counts).toMatchObject({ receipts: 20, intact: 10 });
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'account.verified',
        account: 'alice',
        failure: { code: 'sink-io', text: 'no octets came' },
      }),
    );
  });

  it('says where a sink cannot list what it holds', async () => {
    await using bed = await ranBed(new FailingSink('never'));
    const { events } = await verify(bed, { accounts: ['bob'] });
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'logged', level: 'warn', text: expect.stringMatching(/cannot list/) }),
    );
  });

  it('reads every n-th receipt where a share is asked for, from any start, and looks for extras all the same', async () => {
    const sink = new MemorySink();
    await using bed = await ranBed(sink);
    sink.held.get('bob')?.set('extra', Buffer.from('x'));
    const starts = new Set<string>();
    for (const start of [0, 0.2, 0.4, 0.6, 0.8]) {
      sink.held.get('alice')?.clear();
      const { counts, differing } = await verify(bed, {
        scope: { share: 0.2, since: undefined },
        random: () => start,
      });
      expect(counts).toMatchObject({ read: 4, extra: 1 });
      starts.add(differing.map(({ uidl }) => uidl).join());
    }
    expect(starts.size).toBe(5);
  });

  it('reads only what was proved since', async () => {
    await using bed = await ranBed();
    const scope = { share: 1, since: Date.now() + 1000 };
    expect((await verify(bed, { scope })).counts).toMatchObject({ receipts: 20, read: 0 });
  });

  it('stops where it stands when it is interrupted', async () => {
    await using bed = await ranBed();
    const stop = new AbortController();
    stop.abort();
    const { verdict, counts } = await verify(bed, { stopSignal: stop.signal });
    expect([verdict, counts.read]).toEqual(['interrupted', 0]);
  });
});
