import { describe, expect, it } from 'vitest';
import type { KnownMessage } from '../../src/ledger/ledger.ts';
import { classifyListing } from '../../src/pipeline/classify-listing.ts';
import { KnownIndex } from '../../src/pipeline/known-index.ts';
import type { ListedMessage } from '../../src/pipeline/listed-message.ts';
import { isUsableUidl } from '../../src/pipeline/uidl-index.ts';

function listed(...entries: readonly (readonly [uidl: string, octets: number | null])[]): ListedMessage[] {
  return entries.map(([uidl, listedOctets], index) => ({ number: index + 1, uidl, listedOctets }));
}

function classify(
  messages: readonly ListedMessage[],
  known: readonly KnownMessage[],
  options?: Parameters<typeof classifyListing>[2],
): ReturnType<typeof classifyListing> {
  const match = KnownIndex.of(known).match();
  for (const { uidl } of messages) {
    match.see(uidl);
  }
  return classifyListing(messages, match, options);
}

function row(
  rowId: number,
  uidl: string,
  listedOctets: number | null,
  more: Partial<KnownMessage> = {},
): KnownMessage {
  return { rowId, uidl, listedOctets, state: 'archived', isComplete: true, ...more };
}

/** Number, kind and row of what is to be fetched. */
function wantedOf(listing: readonly ListedMessage[], known: readonly KnownMessage[]): unknown[] {
  return classify(listing, known).wanted.map(({ number, kind, rowId }) => [number, kind, rowId]);
}

describe('classifyListing', () => {
  it('wants every message of a first listing, in its order', () => {
    expect(wantedOf(listed(['c', 3], ['a', 1], ['b', 2]), [])).toEqual([
      [1, 'new', undefined],
      [2, 'new', undefined],
      [3, 'new', undefined],
    ]);
  });

  it('wants nothing of what is archived under the same unique-id and size', () => {
    const { archivedBefore, wanted } = classify(listed(['a', 1], ['b', 2]), [row(1, 'a', 1), row(2, 'b', 2)]);
    expect({ archivedBefore, wanted }).toEqual({ archivedBefore: 2, wanted: [] });
  });

  it.each(['verified', 'deletion-requested', 'deletion-answered', 'deleted'] as const)(
    'takes a message in the state %s for archived, also when it shows again',
    (state) => {
      expect(wantedOf(listed(['a', 1]), [row(1, 'a', 1, { state })])).toEqual([]);
    },
  );

  it('RFC-48: compares unique-ids octet by octet: case counts', () => {
    expect(wantedOf(listed(['A', 1]), [row(1, 'a', 1)])).toEqual([[1, 'new', undefined]]);
  });

  it('wants a message whose sink is missing, and continues its row', () => {
    expect(wantedOf(listed(['a', 1]), [row(7, 'a', 1, { isComplete: false })])).toEqual([[1, 'retry', 7]]);
  });

  it.each(['listed', 'skipped'] as const)('judges a message in the state %s anew', (state) => {
    expect(wantedOf(listed(['a', 1]), [row(7, 'a', 1, { state, isComplete: false })])).toEqual([
      [1, 'retry', 7],
    ]);
  });

  it('leaves a quarantined message alone unless it is asked for', () => {
    const known = [row(7, 'a', 1, { state: 'quarantined', isComplete: false })];
    expect(classify(listed(['a', 1]), known)).toMatchObject({ quarantined: 1, wanted: [] });
    const retried = classify(listed(['a', 1]), known, { isRetryingQuarantined: true });
    expect(retried).toMatchObject({ quarantined: 0, wanted: [{ kind: 'retry', rowId: 7 }] });
  });

  it('Q13: doubts a unique-id that comes with another size: it may be used again', () => {
    expect(wantedOf(listed(['a', 2]), [row(7, 'a', 1)])).toEqual([[1, 'doubtful', 7]]);
  });

  it.each([
    ['first', [row(1, 'a', 1), row(2, 'a', 2)]],
    ['last', [row(2, 'a', 2), row(1, 'a', 1)]],
  ])(
    'believes the row that fits by size, standing %s among several of a re-used unique-id',
    (_where, known) => {
      expect(wantedOf(listed(['a', 2]), known)).toEqual([]);
    },
  );

  it('prefers an archived row to an unfinished one of the same unique-id and size', () => {
    const unfinished = row(1, 'a', 1, { state: 'listed', isComplete: false });
    expect(wantedOf(listed(['a', 1]), [unfinished, row(2, 'a', 1)])).toEqual([]);
    expect(wantedOf(listed(['a', 1]), [row(2, 'a', 1), unfinished])).toEqual([]);
  });

  it('does not doubt for a size that nobody knows', () => {
    expect(wantedOf(listed(['a', null]), [row(1, 'a', 1)])).toEqual([]);
    expect(wantedOf(listed(['a', 1]), [row(1, 'a', null)])).toEqual([]);
  });

  it('Q3, RFC-49: finds two messages under one unique-id ambiguous, and counts them', () => {
    const listing = listed(['a', 1], ['a', 1], ['b', 1]);
    expect(classify(listing, [])).toMatchObject({ ambiguous: 2, wanted: [{}, {}, { kind: 'new' }] });
    expect(wantedOf(listing, [row(1, 'a', 1)])).toHaveLength(3);
    const settled = classify(listing, [row(1, 'a', 1), row(2, 'a', 1), row(3, 'b', 1)]);
    expect(settled).toMatchObject({ archivedBefore: 3, ambiguous: 0, wanted: [] });
  });

  it('Q3: settles messages under one unique-id by size, each size for itself', () => {
    const listing = listed(['a', 1], ['a', 2]);
    expect(wantedOf(listing, [row(1, 'a', 1)])).toEqual([[2, 'ambiguous', undefined]]);
  });

  it('Q8: never takes a message without a unique-id for known by count alone', () => {
    expect(wantedOf(listed(['', 1]), [row(1, '', 1)])).toEqual([[1, 'ambiguous', undefined]]);
  });

  it('Q4: finds an over-long unique-id ambiguous, but knows it again', () => {
    const long = 'x'.repeat(71);
    expect(wantedOf(listed([long, 1]), [])).toEqual([[1, 'ambiguous', undefined]]);
    expect(wantedOf(listed([long, 1]), [row(1, long, 1)])).toEqual([]);
  });

  it('has a place for every message: archived, quarantined or wanted', () => {
    const listing = listed(['a', 1], ['b', 1], ['c', 1], ['c', 1], ['', 1], ['d', 9]);
    const known = [
      row(1, 'a', 1),
      row(2, 'b', 1, { state: 'quarantined', isComplete: false }),
      row(3, 'd', 1),
    ];
    const { archivedBefore, quarantined, wanted } = classify(listing, known);
    expect(archivedBefore + quarantined + wanted.length).toBe(listing.length);
  });

  it('Q14: forgets nothing of what is not listed: a window of the mailbox is no news', () => {
    expect(classify(listed(), [row(1, 'a', 1)])).toEqual({
      archivedBefore: 0,
      quarantined: 0,
      wanted: [],
      ambiguous: 0,
      returning: [],
      expected: 1,
      seen: 0,
    });
  });

  it('Q13: what shows under unique-id and size of a deleted message is neither known nor new until it was asked', () => {
    const deleted = [row(1, 'a', 1, { state: 'deleted' }), row(2, 'a', 1, { state: 'deletion-answered' })];
    expect(classify(listed(['a', 1]), deleted)).toMatchObject({
      archivedBefore: 0,
      wanted: [],
      returning: [{ message: { number: 1 }, rowIds: [1, 2] }],
    });
  });

  it('Q13: a message that was archived under the unique-id of a deleted one speaks for it, in any order', () => {
    const rows = [row(1, 'a', 1, { state: 'deleted' }), row(2, 'a', 1, { state: 'verified' })];
    for (const known of [rows, [...rows].reverse()]) {
      expect(classify(listed(['a', 1]), known)).toMatchObject({ archivedBefore: 1, returning: [] });
    }
  });

  it('Q3, Q13: deleted messages do not settle what shares their unique-id', () => {
    const rows = [row(1, 'a', 1, { state: 'deleted' }), row(2, 'a', 1, { state: 'deleted' })];
    expect(classify(listed(['a', 1], ['a', 1]), rows)).toMatchObject({
      archivedBefore: 0,
      ambiguous: 2,
    });
  });
});

describe('isUsableUidl', () => {
  it.each(['a', '!~', 'x'.repeat(70), 'with blank', '\u00e9', '../../etc', '__proto__', 'constructor'])(
    'takes %j',
    (uidl) => {
      expect(isUsableUidl(uidl)).toBe(true);
    },
  );

  it.each(['', 'x'.repeat(71), 'a\u0007', 'a\0', '\u007f'])('refuses %j as an identity', (uidl) => {
    expect(isUsableUidl(uidl)).toBe(false);
  });
});
