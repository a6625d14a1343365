import { describe, expect, it } from 'vitest';
import { MailferryError, type Retry } from '../../src/errors/mailferry-error.ts';
import { addCounts, NO_COUNTS, Tally } from '../../src/pipeline/counts.ts';
import { outcomeOfFailure, worstOutcome } from '../../src/pipeline/decide-outcome.ts';
import { decideSelection, needsDate } from '../../src/pipeline/decide-selection.ts';

const NO_RULES = {
  olderThanMs: undefined,
  newerThanMs: undefined,
  largerThanOctets: undefined,
  smallerThanOctets: undefined,
};
const NOW = Date.UTC(2026, 0, 31);
const DAY = 86_400_000;

describe('decideSelection', () => {
  it('wants everything without rules', () => {
    expect(decideSelection(NO_RULES, { listedOctets: 1, datedAt: NOW }, NOW)).toBeUndefined();
  });

  it.each([
    ['largerThanOctets', 99, 'select.largerThan'],
    ['largerThanOctets', 100, 'select.largerThan'],
    ['largerThanOctets', 101, undefined],
    ['smallerThanOctets', 99, undefined],
    ['smallerThanOctets', 100, 'select.smallerThan'],
    ['smallerThanOctets', 101, 'select.smallerThan'],
  ])('with %s 100 judges %i octets: %s', (rule, listedOctets, expected) => {
    expect(decideSelection({ ...NO_RULES, [rule]: 100 }, { listedOctets, datedAt: undefined }, NOW)).toBe(
      expected,
    );
  });

  it.each([
    ['olderThanMs', 29, 'select.olderThan'],
    ['olderThanMs', 30, undefined],
    ['newerThanMs', 30, undefined],
    ['newerThanMs', 31, 'select.newerThan'],
  ])('with %s 30 days judges a message of %i days: %s', (rule, days, expected) => {
    const facts = { listedOctets: null, datedAt: NOW - days * DAY };
    expect(decideSelection({ ...NO_RULES, [rule]: 30 * DAY }, facts, NOW)).toBe(expected);
  });

  it('wants what it cannot judge: no size, no readable date', () => {
    const rules = { olderThanMs: DAY, newerThanMs: DAY, largerThanOctets: 1, smallerThanOctets: 1 };
    expect(decideSelection(rules, { listedOctets: null, datedAt: null }, NOW)).toBeUndefined();
  });

  it('asks for dates only where a rule needs them', () => {
    expect(needsDate({ ...NO_RULES, largerThanOctets: 1 })).toBe(false);
    expect(needsDate({ ...NO_RULES, olderThanMs: DAY })).toBe(true);
    expect(needsDate({ ...NO_RULES, newerThanMs: DAY })).toBe(true);
  });
});

describe('outcomes', () => {
  it('takes the worst of several, in the order of the exit codes', () => {
    expect(worstOutcome([])).toBe('done');
    expect(worstOutcome(['done', 'waiting'])).toBe('waiting');
    expect(worstOutcome(['waiting', 'failed', 'done'])).toBe('failed');
    expect(worstOutcome(['failed', 'interrupted'])).toBe('interrupted');
    expect(worstOutcome(['interrupted', 'unexpected'])).toBe('unexpected');
  });

  it.each<[Retry, string]>([
    ['never', 'failed'],
    ['later', 'waiting'],
    ['now', 'waiting'],
  ])('grades a failure to be tried again %s as %s', (retry, outcome) => {
    expect(outcomeOfFailure(new MailferryError('x', { code: 'x', scope: 'account', retry }))).toBe(outcome);
  });

  it('takes an error that nobody graded for a defect', () => {
    expect(outcomeOfFailure(new TypeError('x'))).toBe('unexpected');
    expect(outcomeOfFailure('x')).toBe('unexpected');
  });
});

describe('counts', () => {
  it('add up by construction: what was not come to is failed and unreached (promise 11)', () => {
    const tally = new Tally();
    Object.assign(tally, {
      listed: 10,
      archivedNow: 3,
      archivedBefore: 2,
      skipped: 1,
      quarantined: 1,
      refused: 1,
    });
    expect(tally.toCounts()).toEqual({
      listed: 10,
      archivedNow: 3,
      archivedBefore: 2,
      skipped: 1,
      quarantined: 1,
      failed: 3,
      unreached: 2,
      octets: 0,
    });
  });

  it('sum field by field', () => {
    const one = { ...NO_COUNTS, listed: 1, archivedNow: 1, octets: 5 };
    expect(addCounts(one, one)).toEqual({ ...NO_COUNTS, listed: 2, archivedNow: 2, octets: 10 });
  });
});
