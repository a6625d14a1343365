import { describe, expect, it } from 'vitest';
import {
  decideUidlChange,
  type HeaderFacts,
  isFamiliarSize,
  type SizeFacts,
  type UidlFacts,
} from '../../src/pipeline/decide-uidl-change.ts';

const moved: UidlFacts = { expected: 100, seen: 0, unknown: 100, isUnsettled: false };
const sizes: SizeFacts = { exact: 100, familiar: 100 };
const headers: HeaderFacts = { answered: 32, agreeing: 32 };

const kindOf = (facts: Partial<UidlFacts>): string => decideUidlChange({ ...moved, ...facts }).kind;

describe('decideUidlChange', () => {
  it('Q12: asks for sizes, then for headers, and finds a change where headers agree', () => {
    expect(kindOf({})).toBe('compare sizes');
    expect(kindOf({ sizes })).toBe('compare headers');
    expect(kindOf({ sizes, headers })).toBe('changed');
  });

  it.each([
    ['a first run', { expected: 0 }, 'no archived message is expected'],
    ['an empty maildrop', { unknown: 0 }, 'every listed message is known'],
    ['a mailbox that simply grew', { seen: 100, unknown: 5000 }, 'most of what is expected is listed'],
    ['one that lost some and grew', { seen: 60, unknown: 5000 }, 'most of what is expected is listed'],
    [
      'a mailbox whose mail is mostly deleted',
      { expected: 10_000, seen: 15, unknown: 5 },
      'most of what is listed is known',
    ],
    [
      'sizes that nobody knows',
      { sizes: { exact: 0, familiar: 0 } },
      'no size among the unknown messages is familiar',
    ],
  ])('Q12: sees no change in %s, and asks for nothing', (_what, facts, reason) => {
    expect(decideUidlChange({ ...moved, ...facts })).toEqual({ kind: 'same', reason });
  });

  it('Q12, Q14: does not take a window of the mailbox for a change, however familiar its sizes are', () => {
    const window = { expected: 50_000, unknown: 250, sizes: { exact: 250, familiar: 250 } };
    expect(kindOf({ ...window, headers: { answered: 32, agreeing: 0 } })).toBe('unlikely');
  });

  it('Q12: finds a change in a mailbox of one message, by its header alone', () => {
    const small = { expected: 1, unknown: 1, sizes: { exact: 1, familiar: 1 } };
    expect(kindOf({ ...small, headers: { answered: 1, agreeing: 1 } })).toBe('changed');
    expect(kindOf({ ...small, headers: { answered: 1, agreeing: 0 } })).toBe('unlikely');
  });

  it('Q12: finds a change where most mail was deleted before, and where much has come since', () => {
    const few = { answered: 32, agreeing: 3 };
    expect(kindOf({ expected: 10_000, unknown: 40, sizes: { exact: 30, familiar: 40 }, headers: few })).toBe(
      'changed',
    );
    expect(
      kindOf({ expected: 40, unknown: 10_000, sizes: { exact: 40, familiar: 9_000 }, headers: few }),
    ).toBe('changed');
  });

  it('Q12, Q33: without TOP holds a change possible where most sizes are exactly familiar, else unlikely', () => {
    const noTop = { answered: 0, agreeing: 0 };
    expect(kindOf({ sizes, headers: noTop })).toBe('possible');
    expect(kindOf({ sizes: { exact: 50, familiar: 100 }, headers: noTop })).toBe('possible');
    expect(kindOf({ sizes: { exact: 49, familiar: 100 }, headers: noTop })).toBe('unlikely');
  });

  it('Q12: goes on with a change that an earlier session did not bring to its end, whatever is listed by now', () => {
    const late = { seen: 99, unknown: 1, isUnsettled: true };
    expect(kindOf(late)).toBe('compare headers');
    expect(kindOf({ ...late, sizes: { exact: 0, familiar: 0 }, headers: { answered: 0, agreeing: 0 } })).toBe(
      'changed',
    );
    expect(kindOf({ ...late, unknown: 0 })).toBe('same');
  });

  it('always comes to a verdict once all is known, and finds a change only where a header agrees or one is unsettled', () => {
    const few = [0, 1, 2, 3];
    for (const [expected, seen, unknown, exact, close, answered, agreeing, isUnsettled] of product(few)) {
      const facts: UidlFacts = {
        ...{ expected, seen: Math.min(seen, expected), unknown, isUnsettled },
        sizes: { exact: Math.min(exact, unknown), familiar: Math.min(unknown, exact + close) },
        headers: { answered, agreeing: Math.min(agreeing, answered) },
      };
      const { kind } = decideUidlChange(facts);
      expect(['same', 'changed', 'possible', 'unlikely']).toContain(kind);
      if (kind === 'changed') {
        expect(isUnsettled || (facts.headers?.agreeing ?? 0) > 0).toBe(true);
      }
      if (kind !== 'same' && !isUnsettled) {
        expect([2 * facts.seen < expected, facts.seen < unknown]).toEqual([true, true]);
      }
    }
  });
});

type Combination = readonly [number, number, number, number, number, number, number, boolean];

function* product(few: readonly number[]): Generator<Combination> {
  for (let index = 0; index < few.length ** 7 * 2; index += 1) {
    const digit = (place: number): number => few[Math.floor(index / few.length ** place) % few.length] ?? 0;
    yield [digit(0), digit(1), digit(2), digit(3), digit(4), digit(5), digit(6), index >= few.length ** 7];
  }
}

describe('isFamiliarSize', () => {
  it.each([
    ['the same', 5_000, 5_000, true],
    ['line ends counted as one octet', 96_000, 100_000, true],
    ['rounded up to kilobytes', 1_024, 100, true],
    ['half of it, since the server compresses', 50_000, 100_000, false],
    ['another message', 9_000, 4_000, false],
    ['a size that LIST did not give', null, 4_000, true],
    ['one that LIST did not give before', 4_000, null, true],
  ])('Q12, Q16: %s', (_what, listed, archived, expected) => {
    expect(isFamiliarSize(listed, archived)).toBe(expected);
  });
});
