/** Text on its way into the ledger and back. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeText, encodeNote, encodeText } from '../../src/ledger/text-code.ts';

const CONTROL = /\p{Cc}/u;
/** Letters, controls and exactly the characters that the code gives a meaning to. */
const tricky = fc.string({
  unit: fc.constantFrom('a', '\0', '\u001b', '\u007f', '\u2400', '\u2421', '\u2425'),
});

describe('encodeText', () => {
  test('is reversible for every string', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), tricky), (text) => {
        expect(decodeText(encodeText(text))).toBe(text);
      }),
    );
  });

  test('gives different strings different codes', () => {
    fc.assert(fc.property(tricky, tricky, (a, b) => (a === b) === (encodeText(a) === encodeText(b))));
  });

  test('leaves no control that reaches a terminal or cuts a value short', () => {
    const octets = String.fromCharCode(...Array.from({ length: 128 }, (_, octet) => octet));
    expect(encodeText(octets)).not.toMatch(CONTROL);
    expect(encodeText('a\0b')).toBe('a␀b');
  });
});

describe('encodeNote', () => {
  test('shows controls as pictures and keeps to its limit', () => {
    expect(encodeNote('a\nb\u007f')).toBe('a␊b␡');
    expect(encodeNote('x'.repeat(5000))).toHaveLength(1000);
  });
});
