import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { KnownMessage } from '../../src/ledger/ledger.ts';
import { KnownIndex } from '../../src/pipeline/known-index.ts';
import { indexByUidl } from '../../src/pipeline/uidl-index.ts';

const uidls = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', '', 'x'.repeat(71)), { maxLength: 12 });

it('finds for each row what the index of the listing says of its unique-id, and the same unique-ids shared', () => {
  fc.assert(
    fc.property(uidls, uidls, (listed, recorded) => {
      const messages = listed.map((uidl, index) => ({ number: index + 1, uidl, listedOctets: 1 }));
      const rows = recorded.map((uidl, index): KnownMessage => {
        return { rowId: index + 1, uidl, listedOctets: 1, state: 'archived', isComplete: true };
      });
      const { unique, shared } = indexByUidl(messages);
      const expected = rows
        .filter(({ uidl }) => unique.has(uidl) || shared.has(uidl))
        .map(({ rowId, uidl }) => [rowId, unique.get(uidl)]);
      const match = KnownIndex.of(rows).match();
      expect(listed.map((uidl) => match.see(uidl))).toEqual(listed);
      const visited: [rowId: number, position: number | undefined][] = [];
      match.visitListed(({ rowId }, position) => visited.push([rowId, position]));
      expect(match.shared).toEqual(shared);
      expect(visited.sort(([a], [b]) => a - b)).toEqual(expected);
      expect([...match.rows()].map(({ rowId }) => rowId).sort((a, b) => a - b)).toEqual(
        rows.map(({ rowId }) => rowId),
      );
    }),
  );
});
