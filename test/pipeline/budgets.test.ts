import { describe, expect, it } from 'vitest';
import { DayBudget, dayOf, nextDay } from '../../src/pipeline/day-budget.ts';
import { FetchBudget, NO_BUDGETS } from '../../src/pipeline/fetch-budget.ts';
import { ListedInRun } from '../../src/pipeline/listed-in-run.ts';

/** A ledger's memory of one account's days. */
function openTraffic(spent = 0) {
  const days = new Map([['2026-11-21', spent]]);
  return {
    days,
    trafficOn: (day: string) => days.get(day) ?? 0,
    addTraffic: async (day: string, octets: number) => {
      days.set(day, (days.get(day) ?? 0) + octets);
    },
  };
}

function openDay(limitOctets: number, rows: ReturnType<typeof openTraffic>) {
  let onReady: () => void = () => undefined;
  const budget = new DayBudget({
    limitOctets,
    rows,
    now: () => Date.UTC(2026, 10, 21, 12),
    failpoint: () => undefined,
    onReady: () => onReady(),
  });
  /** Asks until it is granted or refused, as the intake does. */
  const ask = async (octets: number) => {
    for (;;) {
      const ready = new Promise<void>((resolve) => {
        onReady = resolve;
      });
      const answer = budget.ask(octets);
      if (answer !== 'hold') {
        return answer;
      }
      await ready;
    }
  };
  return { budget, ask };
}

describe('the budget of a session', () => {
  it('grants what fits, counts messages and octets, and always grants the first', () => {
    const budget = new FetchBudget(
      { ...NO_BUDGETS, octetsPerSession: 100, messagesPerSession: 3 },
      undefined,
    );
    expect([60, 40, 1].map((octets) => budget.ask(octets))).toEqual(['granted', 'granted', 'session-spent']);
    const large = new FetchBudget({ ...NO_BUDGETS, octetsPerSession: 100 }, undefined);
    expect([500, 0].map((octets) => large.ask(octets))).toEqual(['granted', 'session-spent']);
    const few = new FetchBudget({ ...NO_BUDGETS, messagesPerSession: 1 }, undefined);
    expect([1, 1].map((octets) => few.ask(octets))).toEqual(['granted', 'session-spent']);
  });
});

describe('the budget of a day (Q44)', () => {
  it('Q44: is set aside in the ledger before anything is asked for, and never exceeded', async () => {
    const rows = openTraffic(400);
    const { budget, ask } = openDay(1_000, rows);
    for (const octets of [200, 200, 200]) {
      expect(await ask(octets)).toBe('granted');
      expect(rows.trafficOn('2026-11-21')).toBeGreaterThanOrEqual(400 + octets);
      budget.received(octets);
    }
    expect(await ask(1)).toBe('day-spent');
    await budget.settle();
    expect(rows.days).toEqual(new Map([['2026-11-21', 1_000]]));
  });

  it('Q44: grants a message that is larger than the whole, but only while nothing else was fetched that day', async () => {
    const rows = openTraffic();
    const day = openDay(1_000, rows);
    expect([await day.ask(5_000), await day.ask(1)]).toEqual(['granted', 'day-spent']);
    const other = openDay(1_000, openTraffic(1));
    expect(await other.ask(5_000)).toBe('day-spent');
  });

  it('Q44: gives back what did not come, and counts what came beyond the size that LIST gave', async () => {
    const rows = openTraffic();
    const short = openDay(1_000, rows);
    await short.ask(600);
    short.budget.received(100);
    await short.budget.settle();
    expect(rows.trafficOn('2026-11-21')).toBe(100);
    const long = openDay(1_000, rows);
    await long.ask(400);
    long.budget.received(800);
    expect(await long.ask(200)).toBe('day-spent');
    await long.budget.settle();
    expect(rows.trafficOn('2026-11-21')).toBe(900);
  });

  it('Q44: a killed run wastes little of the day', async () => {
    const rows = openTraffic();
    const { ask } = openDay(64_000, rows);
    await ask(10);
    expect(rows.trafficOn('2026-11-21')).toBe(1_000);
  });

  it('throws what recording threw, and does not hold for ever', async () => {
    const rows = {
      ...openTraffic(),
      addTraffic: async () => {
        throw new Error('the disk is full');
      },
    };
    await expect(openDay(1_000, rows).ask(10)).rejects.toThrow('the disk is full');
  });

  it('Q44: is a day in UTC', () => {
    expect([dayOf(Date.UTC(2026, 10, 21, 23, 59)), nextDay(Date.UTC(2026, 11, 31, 23))]).toEqual([
      '2026-11-21',
      '2027-01-01T00:00:00Z',
    ]);
  });
});

describe('what a run has listed', () => {
  it('counts a message once, however many sessions show it, and equal ones as often as one session shows them', () => {
    const shown = new ListedInRun();
    const one = { uidl: 'a', listedOctets: 1 };
    const twin = { uidl: '', listedOctets: 7 };
    expect(shown.add([one, twin, twin])).toBe(3);
    expect(shown.add([twin, { uidl: 'a', listedOctets: 2 }, one])).toBe(1);
    expect(shown.add([twin, twin, twin])).toBe(1);
  });
});
