import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  displayWidth,
  fitTo,
  formatCount,
  formatDuration,
  formatMessageRate,
  formatOctets,
  formatTimeLeft,
  plural,
  printable,
  truncate,
} from '../../src/report/format.ts';
import { HOSTILE_TEXTS } from './fake-stream.ts';

const DANGEROUS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('foreign text', () => {
  test('a control becomes visible instead of acting', () => {
    expect(printable('a\u001b[31mb\n\u009bc\u202ed\u0000')).toBe('a\\x1b[31mb\\n\\x9bc\\u{202e}d\\x00');
  });

  test('text without controls stays as it is, whatever its script', () => {
    const text = 'Grüße, 日本語, עברית, é, 🙂';
    expect(printable(text)).toBe(text);
  });

  test.each(HOSTILE_TEXTS)('hostile text %# has no control left and a bounded length', (text) => {
    expect(printable(text)).not.toMatch(DANGEROUS);
    expect(printable(text).length).toBeLessThan(20_000);
  });

  test('no string at all gets a control through, and doing it twice changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(printable(text)).not.toMatch(DANGEROUS);
        expect(printable(printable(text))).toBe(printable(text));
      }),
    );
  });

  test('every octet of a unique-id is safe', () => {
    const octets = Buffer.from([...Array(256).keys()]).toString('latin1');
    expect(printable(octets)).not.toMatch(DANGEROUS);
  });
});

describe('width', () => {
  test.each([
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本語', 6],
    ['ｈａ', 4],
    ['ﾊﾝｶｸ', 4],
    ['한글', 4],
    ['🙂', 2],
    ['', 0],
  ])('%s takes %d cells', (text, cells) => {
    expect(displayWidth(text)).toBe(cells);
  });

  test('a cut never splits a wide character nor passes the width', () => {
    expect(truncate('日本語', 4)).toBe('日…');
    expect(truncate('日本語', 5)).toBe('日本…');
    expect(truncate('日本語', 6)).toBe('日本語');
    expect(truncate('abc', 0)).toBe('');
  });

  test('fitted text has exactly the width asked for', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.integer({ min: 0, max: 50 }),
        (text, width) => {
          expect(displayWidth(fitTo(printable(text), width))).toBe(width);
          expect(displayWidth(fitTo(printable(text), width, 'right'))).toBe(width);
        },
      ),
    );
  });

  test('a flood of combining marks does not pass a cut', () => {
    expect(truncate(`z${'\u0301'.repeat(5000)}`, 10).length).toBeLessThan(50);
  });
});

describe('numbers', () => {
  test.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
  ])('the count %d reads %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [20_300_000, '20.3 MB'],
    [5e18, '5000.0 PB'],
  ])('%d octets read %s', (octets, text) => {
    expect(formatOctets(octets)).toBe(text);
  });

  test.each([
    [-5, '0.0 s'],
    [420, '0.4 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [59_600, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [3_599_600, '1 h 00 min'],
    [7_500_000, '2 h 05 min'],
    [273_600_000, '3 d 04 h'],
  ])('%d ms read %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test.each([
    [0, '0:00'],
    [6_100, '0:07'],
    [725_000, '12:05'],
    [7_213_000, '2:00:13'],
    [1e9, '>99 h'],
  ])('%d ms left read %s', (ms, text) => {
    expect(formatTimeLeft(ms)).toBe(text);
  });

  test('one is singular', () => {
    expect([plural(1, 'message'), plural(0, 'message'), plural(1200, 'message')]).toEqual([
      '1 message',
      '0 messages',
      '1,200 messages',
    ]);
  });

  test('a slow rate keeps one digit', () => {
    expect([formatMessageRate(0.25), formatMessageRate(1234.4)]).toEqual(['0.3 msg/s', '1,234 msg/s']);
  });
});
