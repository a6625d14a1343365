import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDate, parseReceivedDate } from '../../src/message/header-date.ts';

const NOON = Date.UTC(1997, 10, 21, 15, 55, 6);

describe('RFC-81: parseDate', () => {
  it.each([
    ['Fri, 21 Nov 1997 09:55:06 -0600', NOON],
    ['21 Nov 1997 09:55:06 -0600', NOON],
    ['Fri, 21 Nov 97 09:55:06 CST', NOON],
    ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', NOON],
    ['Fri, (a (nested) comment) 21 Nov 1997 09:55:06 -0600 (CST)', NOON],
    ['fri, 21 november 1997 09:55:06 -06:00', NOON],
    ['Fri, 21-Nov-1997 15:55:06 GMT', NOON],
    ['Fri, 21 Nov 1997 15:55:06', NOON],
    ['Fri, 21 Nov 1997 15:55:06 Z', NOON],
    ['Fri, 21 Nov 1997 15:55:06.789 +0000', NOON],
    ['Fri Nov 21 15:55:06 1997', NOON],
    ['Fri Nov 21 15:55:06 UTC 1997', NOON],
    ['Fri, 21 Nov 1997 15:55 +0000', NOON - 6000],
    ['Thu, 13 Feb 1969 23:32 -0330', Date.UTC(1969, 1, 14, 3, 2)],
    ['Sat, 01 Jan 00 00:00:00 +0000', Date.UTC(2000, 0, 1)],
    ['1 Jan 49 00:00:00 +0000', Date.UTC(2049, 0, 1)],
    ['1 Jan 50 00:00:00 +0000', Date.UTC(1950, 0, 1)],
    ['1 Jan 103 00:00:00 +0000', Date.UTC(2003, 0, 1)],
    ['29 Feb 2024 23:59:60 +0000', Date.UTC(2024, 2, 1)],
  ])('reads %s', (text, expected) => {
    expect(parseDate(text)).toBe(expected);
  });

  it.each([
    '',
    'yesterday',
    '32 Nov 1997 09:55:06 -0600',
    '31 Feb 1997 09:55:06 -0600',
    '0 Nov 1997 09:55:06 -0600',
    '21 Nix 1997 09:55:06 -0600',
    '21 Nov 1997 24:55:06 -0600',
    '21 Nov 1997 09:60:06 -0600',
    '21 Nov 1997',
    '(21 Nov 1997 09:55:06 -0600',
    '='.repeat(1_000_000),
  ])('reads nothing into %.40s', (text) => {
    expect(parseDate(text)).toBeUndefined();
  });

  it('never throws and never gives what is no instant', () => {
    const word = fc.constantFrom(
      'Fri,',
      '21',
      'Nov',
      '1997',
      '99',
      '09:55',
      ':06',
      '-0600',
      '+9999',
      '(',
      ')',
      'PST',
      '0',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        expect(Number.isNaN(parseDate(words.join(' ')) ?? 0)).toBe(false);
      }),
    );
  });
});

describe('parseReceivedDate', () => {
  it('reads what stands behind the last semicolon', () => {
    const value = 'from a (b; c) by d with ESMTP id x; for <e>; Fri, 21 Nov 1997 09:55:06 -0600 (CST)';
    expect(parseReceivedDate(value)).toBe(NOON);
  });
});
