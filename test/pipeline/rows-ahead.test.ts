import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import { RowReader } from '../../src/ledger/account-rows.ts';
import type { KnownMessage } from '../../src/ledger/ledger.ts';
import { RowBudget, RowsAhead } from '../../src/pipeline/rows-ahead.ts';

import { JobBed, someMessages } from '../support/job-bed.ts';

const TURN = 2000;

function message(rowId: number): KnownMessage {
  return { rowId, uidl: `uid-${rowId}`, listedOctets: 1, state: 'archived', isComplete: true };
}

/** Rows that count how many of them were read. */
class CountedRows implements Iterable<KnownMessage> {
  readonly #count: number;
  readonly #failsAt: number;
  read = 0;

  constructor(count: number, failsAt = Number.POSITIVE_INFINITY) {
    this.#count = count;
    this.#failsAt = failsAt;
  }

  *[Symbol.iterator](): Generator<KnownMessage, void, undefined> {
    while (this.read < this.#count) {
      this.read += 1;
      if (this.read === this.#failsAt) {
        throw new Error('the disk is gone');
      }
      yield message(this.read);
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await nextTurn();
  }
}

function idsOf(ahead: RowsAhead): readonly number[] {
  return [...ahead.take().match().rows()].map(({ rowId }) => rowId);
}

describe('RowsAhead', () => {
  it('reads some rows in each turn once it was begun, and all of them in the end', async () => {
    const rows = new CountedRows(3 * TURN);
    const ahead = new RowsAhead(rows, new RowBudget());
    await turns(3);
    expect(rows.read).toBe(0);
    ahead.begin();
    ahead.begin();
    await turns(2);
    expect(rows.read).toBeGreaterThan(0);
    expect(rows.read).toBeLessThan(3 * TURN);
    await turns(8);
    expect(rows.read).toBe(3 * TURN);
    expect(idsOf(ahead)).toEqual(Array.from({ length: 3 * TURN }, (_, index) => index + 1));
  });

  it.each([0, 1, 2, 100])('gives each row once, however many turns went by (%d)', async (count) => {
    const ahead = new RowsAhead(new CountedRows(TURN + 7), new RowBudget());
    ahead.begin();
    await turns(count);
    expect(idsOf(ahead)).toEqual(Array.from({ length: TURN + 7 }, (_, index) => index + 1));
  });

  it('reads no further once rows are taken, or released', async () => {
    for (const end of [(ahead: RowsAhead) => ahead.take(), (ahead: RowsAhead) => ahead.release()]) {
      const rows = new CountedRows(100 * TURN);
      const ahead = new RowsAhead(rows, new RowBudget());
      ahead.begin();
      await turns(3);
      end(ahead);
      const { read } = rows;
      await turns(5);
      expect(rows.read).toBe(read);
      expect(idsOf(ahead)).toEqual([]);
    }
  });

  it('holds no more rows over all accounts than the budget has, and gives them back', async () => {
    const budget = new RowBudget(6 * TURN);
    const [first, second, third] = [1, 2, 3].map(() => new CountedRows(4 * TURN));
    if (first === undefined || second === undefined || third === undefined) {
      throw new Error('three were made');
    }
    const ahead = new RowsAhead(first, budget);
    ahead.begin();
    await turns(8);
    new RowsAhead(second, budget).begin();
    await turns(8);
    expect([first.read, second.read]).toEqual([4 * TURN, TURN]);
    ahead.release();
    new RowsAhead(third, budget).begin();
    await turns(8);
    expect(third.read).toBe(4 * TURN);
  });

  it('throws what reading ahead has thrown when rows are taken, and not before', async () => {
    const ahead = new RowsAhead(new CountedRows(3 * TURN, TURN + 1), new RowBudget());
    ahead.begin();
    await turns(8);
    expect(() => ahead.take()).toThrow('the disk is gone');
  });
});

it('a ledger that cannot be read ends the account with its own error, and no further session is opened', async () => {
  const messages = someMessages(3);
  await using bed = await JobBed.make({ users: [{ name: 'alice', password: 'secret', messages }] });
  await bed.run();
  const opened = vi.fn();
  const known = vi.spyOn(RowReader.prototype, 'known').mockImplementation(function* () {
    opened();
    yield* [];
    throw new MailferryError('the ledger cannot be read', {
      code: 'ledger-io',
      scope: 'run',
      retry: 'never',
    });
  });
  try {
    const { accounts } = await bed.run();
    expect(accounts).toMatchObject([{ outcome: 'failed', failure: { code: 'ledger-io' } }]);
    expect(opened).toHaveBeenCalledTimes(1);
  } finally {
    known.mockRestore();
  }
});
