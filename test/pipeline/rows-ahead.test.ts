import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { KnownMessage, KnownRows } from '../../src/ledger/ledger.ts';
import { PageBudget, RowsAhead } from '../../src/pipeline/rows-ahead.ts';

function message(rowId: number): KnownMessage {
  return { rowId, uidl: `uid-${rowId}`, listedOctets: 1, state: 'archived', isComplete: true };
}

/** Pages of one row each; `read` counts those that were read ahead. */
function pagesOf(count: number, failsAt = Number.POSITIVE_INFINITY): KnownRows & { read: number } {
  return {
    read: 0,
    readAhead() {
      this.read += 1;
      if (this.read === failsAt) {
        throw new Error('the disk is gone');
      }
      return this.read < count;
    },
    *[Symbol.iterator]() {
      yield* Array.from({ length: count }, (_, index) => message(index + 1));
    },
  };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await nextTurn();
  }
}

describe('RowsAhead', () => {
  it('reads a page in each turn once it was begun, and no further than the last', async () => {
    const rows = pagesOf(3);
    const ahead = new RowsAhead(rows, new PageBudget());
    await turns(3);
    expect(rows.read).toBe(0);
    ahead.begin();
    ahead.begin();
    await turns(2);
    expect(rows.read).toBeLessThan(3);
    await turns(8);
    expect(rows.read).toBe(3);
    expect([...ahead].map(({ rowId }) => rowId)).toEqual([1, 2, 3]);
  });

  it('gives all rows where nothing was read ahead', () => {
    expect([...new RowsAhead(pagesOf(2), new PageBudget())]).toEqual([message(1), message(2)]);
  });

  it('reads no further once rows are taken, or released', async () => {
    for (const end of [(ahead: RowsAhead) => [...ahead], (ahead: RowsAhead) => ahead.release()]) {
      const rows = pagesOf(100);
      const ahead = new RowsAhead(rows, new PageBudget());
      ahead.begin();
      await turns(3);
      end(ahead);
      const { read } = rows;
      await turns(5);
      expect(rows.read).toBe(read);
      expect([...ahead]).toEqual([]);
    }
  });

  it('holds no more pages over all accounts than the budget has, and gives them back', async () => {
    const budget = new PageBudget(5);
    const [first, second, third] = [pagesOf(4), pagesOf(4), pagesOf(4)];
    const ahead = new RowsAhead(first, budget);
    ahead.begin();
    await turns(8);
    new RowsAhead(second, budget).begin();
    await turns(8);
    expect([first.read, second.read]).toEqual([4, 1]);
    ahead.release();
    new RowsAhead(third, budget).begin();
    await turns(8);
    expect(third.read).toBe(4);
  });

  it('throws what reading ahead has thrown when rows are taken, and not before', async () => {
    const ahead = new RowsAhead(pagesOf(3, 2), new PageBudget());
    ahead.begin();
    await turns(8);
    expect(() => [...ahead]).toThrow('the disk is gone');
  });
});
