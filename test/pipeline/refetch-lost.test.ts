/** Fetching again what a sink has lost: into that sink alone, once, and never at the price of the message at the source. */
import { describe, expect, it } from 'vitest';
import * as wrong from '../../src/demo/misbehaviour.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import type { DeletionRules } from '../../src/pipeline/decide-deletion.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import { JobBed, type JobBedOptions, someMessages } from '../support/job-bed.ts';

const RULES: DeletionRules = {
  ageMs: 0,
  max: undefined,
  maxPercent: undefined,
  keepNewest: undefined,
  keepForMs: undefined,
  keepBelowOctets: undefined,
};
const DELETING = { isReadingBack: true, deletion: RULES };
const NIGHT_MS = 60_000;

/** A job that has run into two sinks. */
async function twoSinks(misbehaviour: JobBedOptions['misbehaviour'] = [], messages = someMessages(10)) {
  const [a, b] = [new MemorySink('a:'), new MemorySink('b:')];
  const bed = await JobBed.make({
    users: [{ name: 'alice', password: 'secret', messages }],
    sinks: [a, b],
    misbehaviour,
  });
  await bed.run();
  return { bed, a, b };
}

const held = (sink: MemorySink): Map<string, Buffer> => sink.held.get('alice') ?? new Map();

/** Takes some of what the sink holds. */
function lose(sink: MemorySink, count: number): void {
  for (const location of [...held(sink).keys()].slice(0, count)) held(sink).delete(location);
}

function states(bed: JobBed): Record<string, number> {
  const reader = openLedgerReader({ statePath: `${bed.folder}/state`, sinks: ['a:', 'b:'] });
  const [alice] = reader?.accounts() ?? [];
  reader?.close();
  const byState: Readonly<Record<string, number>> = alice?.byState ?? {};
  return Object.fromEntries(Object.entries(byState).filter(([, count]) => count > 0));
}

const warnings = (bed: JobBed): string[] =>
  bed.eventsOf('logged').flatMap(({ level, text }) => (level === 'warn' ? [text] : []));

describe('a run that fetches again', () => {
  it('what one sink has lost stores it there, and nothing anywhere else', async () => {
    const { bed, a, b } = await twoSinks();
    await using _ = bed;
    const others = new Map(held(b));
    lose(a, 3);
    const [spoilt = ''] = held(a).keys();
    held(a).set(spoilt, Buffer.from('spoilt'));
    expect(await bed.run({ isRefetching: true })).toMatchObject({
      outcome: 'done',
      counts: { listed: 10, archivedNow: 4, archivedBefore: 6 },
    });
    expect(bed.server.record.count('RETR')).toBe(14);
    expect(held(a)).toEqual(others);
    expect(held(b)).toEqual(others);
    await bed.run({ isRefetching: true });
    expect(bed.server.record.count('RETR')).toBe(14);
  });

  it('is not what an ordinary run does', async () => {
    const { bed, a } = await twoSinks();
    await using _ = bed;
    lose(a, 3);
    await bed.run();
    expect([bed.server.record.count('RETR'), held(a).size]).toEqual([10, 7]);
  });

  it('tells what the server has not any more, fails, and keeps the receipts that are left', async () => {
    const { bed, a } = await twoSinks();
    await using _ = bed;
    lose(a, 2);
    bed.server.mailbox('alice').replaceEntries((entries) => entries.slice(1));
    expect(await bed.run({ isRefetching: true })).toMatchObject({
      outcome: 'failed',
      counts: { archivedNow: 1 },
    });
    expect(warnings(bed)).toContainEqual(
      expect.stringMatching(/^a: has lost 1 messages that are not on the server any more: "demo-00000001"/),
    );
    expect(states(bed)).toEqual({ archived: 10 });
  });

  it('never touches a message that was deleted at the source', async () => {
    const { bed, a } = await twoSinks();
    await using _ = bed;
    await bed.run(DELETING);
    await bed.run(DELETING);
    expect(states(bed)).toEqual({ deleted: 10 });
    lose(a, 1);
    expect((await bed.run({ ...DELETING, isRefetching: true })).outcome).toBe('failed');
    expect(states(bed)).toEqual({ deleted: 10 });
  });

  it('deletes what it fetched again only after it was proved again', async () => {
    const { bed, a, b } = await twoSinks();
    await using _ = bed;
    await bed.run({ ...DELETING, deletion: { ...RULES, ageMs: NIGHT_MS } });
    lose(a, 2);
    lose(b, 1);
    const later = Date.now() + NIGHT_MS / 2;
    await bed.run({
      ...DELETING,
      isRefetching: true,
      deletion: { ...RULES, ageMs: NIGHT_MS },
      now: () => later,
    });
    expect(bed.eventsOf('account.deleted')).toMatchObject([{ deleted: 0 }]);
    expect(states(bed)).toEqual({ verified: 10 });
    expect([held(a).size, held(b).size]).toEqual([10, 10]);
  });

  it('takes a message that has come back out of deletion before anything else', async () => {
    const { bed, a, b } = await twoSinks();
    await using _ = bed;
    const entries = bed.server.mailbox('alice').entries;
    await bed.run(DELETING);
    expect(states(bed)).toEqual({ 'deletion-answered': 10 });
    bed.server.mailbox('alice').replaceEntries(() => entries);
    lose(a, 10);
    lose(b, 10);
    await bed.run({ ...DELETING, isRefetching: true });
    expect([held(a).size, held(b).size]).toEqual([10, 10]);
    expect(bed.server.mailbox('alice').entries).toHaveLength(0);
    expect(states(bed)).toEqual({ 'deletion-answered': 10 });
  });

  it('knows messages without unique-ids, and those that share one, by their octets', async () => {
    for (const misbehaviour of [wrong.noUidl(), wrong.duplicateUidls([2, 3])]) {
      const { bed, a, b } = await twoSinks([misbehaviour]);
      await using _ = bed;
      const others = new Map(held(b));
      lose(a, 5);
      expect(await bed.run({ isRefetching: true })).toMatchObject({ outcome: 'done' });
      expect(held(a)).toEqual(others);
      expect(held(b)).toEqual(others);
      expect(states(bed)).toEqual({ archived: 10 });
    }
  });

  it('takes back only once what a session that broke had to fetch again', async () => {
    const { bed, a } = await twoSinks();
    await using _ = bed;
    lose(a, 10);
    const before = bed.server.record.count('RETR');
    bed.server.misbehaviour.on(wrong.stoppedBeforeTerminator({ verb: 'RETR', message: 6 }));
    await bed.run({ isRefetching: true, pipeline: 1, batch: { messages: 1, octets: 1 } });
    expect(held(a).size).toBe(9);
    // The one at which it broke is asked for twice.
    expect(bed.server.record.count('RETR') - before).toBe(11);
  });
});
