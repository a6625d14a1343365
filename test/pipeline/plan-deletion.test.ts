/** What a plan says of deletion is what the run that follows does: over random maildrops, histories and rules. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import type { DeletionRules } from '../../src/pipeline/decide-deletion.ts';
import { planJob } from '../../src/pipeline/plan-job.ts';
import { JobBed, someMessages } from '../support/job-bed.ts';

const NO_SELECTION = {
  olderThanMs: undefined,
  newerThanMs: undefined,
  largerThanOctets: undefined,
  smallerThanOctets: undefined,
};

const optional = (max: number): fc.Arbitrary<number | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(max) });

const rulesOf: fc.Arbitrary<DeletionRules> = fc.record({
  ageMs: fc.constantFrom(0, 200),
  max: optional(8),
  maxPercent: fc.constantFrom(undefined, 20, 90),
  keepNewest: optional(8),
  keepForMs: fc.constantFrom(undefined, 1000),
  keepBelowOctets: optional(400),
});

/** A message is first seen by the ledger's own clock, which this test does not move: `keep.for` is longer than it runs ahead. */
const facts = fc.record({
  rules: rulesOf,
  before: fc.nat(6),
  late: fc.nat(4),
  isReadingBack: fc.boolean(),
  laterMs: fc.constantFrom(0, 500),
});

describe('a plan of deletions', () => {
  it('is what the run that follows does', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(facts, async ({ rules, before, late, isReadingBack, laterMs }) => {
        const user = { name: 'alice', password: 'secret', messages: someMessages(before) };
        await using bed = await JobBed.make({ users: [user] });
        await bed.run({ isReadingBack });
        bed.server.mailbox('alice').append(...someMessages(late, 'late'));
        const at = Date.now() + laterMs;
        const now = (): number => at;
        const ledger = openLedgerReader({ statePath: `${bed.folder}/state` });
        const { accounts } = await planJob({
          accounts: [bed.source(user)],
          limits: { accounts: 1, perHost: 1 },
          select: NO_SELECTION,
          deletion: rules,
          rowsOf: (account) => ledger?.account(account),
          emit: () => undefined,
          dropSignal: new AbortController().signal,
          now,
        });
        ledger?.close();
        const due = accounts[0]?.deletion?.due.map(({ uidl }) => uidl) ?? [];
        const listed = bed.server.mailbox('alice').entries.map(({ uidl }) => uidl);
        await bed.run({ isReadingBack: true, deletion: rules, now });
        const left = new Set(bed.server.mailbox('alice').entries.map(({ uidl }) => uidl));
        expect(due).toEqual(listed.filter((uidl) => !left.has(uidl)));
      }),
      { numRuns: 60 },
    );
  });
});
