import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DURATION_PATTERN,
  parseDurationMs,
  parseOctets,
  parseRate,
  RATE_PATTERN,
  SIZE_PATTERN,
} from '../../src/job/units.ts';

describe('durations', () => {
  test.each([
    ['250ms', 250],
    ['60s', 60_000],
    ['5m', 300_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['1w', 604_800_000],
    ['5 m', 300_000],
  ])('%s is %i milliseconds', (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  test.each([
    '60',
    '',
    's',
    '-1s',
    '1.5h',
    '1h30m',
    '5 minutes',
    ' 5m',
    '5m ',
    '5  m',
    '1y',
    '999999999999999w',
  ])('"%s" is no duration', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});

describe('rates', () => {
  test.each([
    ['10MB/s', 10_000_000],
    ['512KiB/s', 524_288],
    ['64 kB/s', 64_000],
    ['64000B/s', 64_000],
  ])('%s is %i octets per second', (text, expected) => {
    expect([parseRate(text), new RegExp(RATE_PATTERN).test(text)]).toEqual([expected, true]);
  });

  test.each(['10', '10MB', '10MB/m', '10/s', 'MB/s'])('"%s" is no rate', (text) => {
    expect(new RegExp(RATE_PATTERN).test(text)).toBe(false);
  });
});

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['4096', 4096],
    ['4096B', 4096],
    ['50MB', 50_000_000],
    ['50 mb', 50_000_000],
    ['10MiB', 10_485_760],
    ['1KiB', 1024],
    ['2GB', 2_000_000_000],
    ['1TiB', 1_099_511_627_776],
  ])('%s is %i octets', (text, expected) => {
    expect(parseOctets(text)).toBe(expected);
  });

  test.each([
    '',
    'MB',
    '-5',
    '1.5GB',
    '10M',
    '10iB',
    '10MBit',
    '0x10',
    '1e6',
    '9007199254740993',
    '99999TiB',
  ])('"%s" is no size', (text) => {
    expect(parseOctets(text)).toBeUndefined();
  });
});

test('what a unit parser takes also fits the pattern that editors are given', () => {
  const amount = fc.nat(999).map(String);
  const duration = fc
    .tuple(amount, fc.constantFrom('ms', 's', 'm', 'h', 'd', 'w'))
    .map((parts) => parts.join(''));
  const size = fc
    .tuple(amount, fc.constantFrom('', 'B', 'kB', 'MB', 'GiB', 'tib'))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(duration, size, (aDuration, aSize) => {
      expect(parseDurationMs(aDuration)).toBeTypeOf('number');
      expect(aDuration).toMatch(new RegExp(DURATION_PATTERN));
      expect(parseOctets(aSize)).toBeTypeOf('number');
      expect(aSize).toMatch(new RegExp(SIZE_PATTERN));
    }),
  );
});
