/** Preparation of names and passwords: by the examples of RFC 4013 and RFC 8265, and how the two agree. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { opaqueString, saslprep } from '../../../src/pop3/sasl/saslprep.ts';

describe('SASLprep', () => {
  it.each<[string, string | undefined, string]>([
    ['I\u00adX', 'IX', 'RFC 4013 §3, 1: a soft hyphen goes'],
    ['user', 'user', '2: nothing changes'],
    ['USER', 'USER', '3: case stays'],
    ['\u00aa', 'a', '4: NFKC'],
    ['\u2168', 'IX', '5: NFKC'],
    ['\u0007', undefined, '6: a control is prohibited'],
    ['\u0627\u0031', undefined, '7: right to left must end so'],
    ['\u0627\u0031\u0628', '\u0627\u0031\u0628', 'right to left, with a digit within'],
    ['\u0627a\u0628', undefined, 'both directions'],
    ['a\u00a0b', 'a b', 'a blank that is not ASCII'],
    ['e\u0301', '\u00e9', 'composed'],
    ['pass word', 'pass word', 'blanks stay'],
    ['\ufeff\u200d', '', 'nothing is left'],
    ['\ue000', undefined, 'private use'],
    ['\ufdd0', undefined, 'no character'],
    ['\u{1f511}', '\u{1f511}', 'younger than Unicode 3.2'],
  ])('%j becomes %j (%s)', (text, expected) => {
    expect(saslprep(text)).toBe(expected);
  });

  it('of what it gave changes nothing', () => {
    for (const text of ['I\u00adX', '\u00aa', 'a\u00a0b', '\u{1f511} k\u00e9y']) {
      const once = saslprep(text) ?? '';
      expect(saslprep(once)).toBe(once);
    }
  });
});

describe('OpaqueString', () => {
  it.each<[string, string, string]>([
    ['correct horse battery staple', 'correct horse battery staple', 'RFC 8265 §4.3, 12: nothing changes'],
    ['Correct Horse Battery Staple', 'Correct Horse Battery Staple', '13: case stays'],
    ['\u03c0\u00df\u00e5', '\u03c0\u00df\u00e5', '14: letters of all kinds stay'],
    ['Jack of \u2666s', 'Jack of \u2666s', '15: symbols stay'],
    ['foo\u1680bar', 'foo bar', '16: a blank that is not ASCII'],
    ['e\u0301', '\u00e9', 'composed'],
    ['\u00bd \u2168 \ufb01', '\u00bd \u2168 \ufb01', 'what SASLprep takes apart stays'],
    ['my cat is a \u0009by', 'my cat is a \u0009by', '18: prohibited, and so the server\u2019s to refuse'],
  ])('%j becomes %j (%s)', (text, expected) => {
    expect(opaqueString(text)).toBe(expected);
  });

  it('of any text is the same to a server that prepares it by SASLprep', () => {
    const texts = fc.string({
      unit: fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), marks),
      maxLength: 12,
    });
    fc.assert(
      fc.property(texts, (text) => {
        expect(saslprep(opaqueString(text))).toBe(saslprep(text));
      }),
    );
  });
});

/** What composes, what goes, what runs the other way: chance alone finds few of these. */
const marks = fc.constantFrom(
  ...'eo\u0301\u0308\u00ad\u034f\u200d\u00a0\u3000\u0627\u05d0\ufb1d\u2126\u1100\u1161\ufb01',
);
