import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageFromBuffer } from '../../src/message/message-builder.ts';
import { Quoter, Unquoter } from '../../src/sink/mbox/quoting.ts';
import { surveyMemory } from '../../src/sink/mbox/survey.ts';
import { cuts, hostileOctets } from '../message/arbitraries.ts';

type Cut = (octets: Buffer) => Buffer[];

const whole: Cut = (octets) => [octets];

function quote(octets: Buffer, cut: Cut = whole): Buffer {
  const quoter = new Quoter();
  const pieces = cut(octets).map((chunk) => quoter.push(chunk));
  return Buffer.concat([...pieces, quoter.end()]);
}

function unquote(octets: Buffer, cut: Cut = whole): Buffer {
  const unquoter = new Unquoter();
  const pieces = cut(octets).map((chunk) => unquoter.push(chunk));
  return Buffer.concat([...pieces, unquoter.end()]);
}

/** The rule, as plainly as it can be said. */
const quoteSimply = (text: string): string => text.replaceAll(/(?<=^|\n)(>*From )/g, '>$1');
const unquoteSimply = (text: string): string => text.replaceAll(/(?<=^|\n)>(>*From )/g, '$1');

const text = (octets: Buffer): string => octets.toString('latin1');

describe('quoting', () => {
  it.each([
    ['From a\n', '>From a\n'],
    ['>From a\n', '>>From a\n'],
    ['a\r\nFrom b\nFrom c', 'a\r\n>From b\n>From c'],
    ['From ', '>From '],
    ['a\rFrom b\r\n', 'a\rFrom b\r\n'],
    [' From a\n> From b\nFrom\nFromage\nfrom a\n', ' From a\n> From b\nFrom\nFromage\nfrom a\n'],
  ])('turns %j into %j', (plain, quoted) => {
    expect(text(quote(Buffer.from(plain)))).toBe(quoted);
    expect(text(unquote(Buffer.from(quoted)))).toBe(plain);
  });

  it('agrees with the rule, whole and in any cut', () => {
    fc.assert(
      fc.property(hostileOctets(), cuts(), (octets, cut) => {
        const expected = quoteSimply(text(octets));
        expect(text(quote(octets))).toBe(expected);
        expect(text(quote(octets, cut))).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves no line that reads as a separator', () => {
    fc.assert(
      fc.property(hostileOctets(), (octets) => {
        expect(text(quote(octets))).not.toMatch(/(?<=^|\n)From /);
      }),
    );
  });

  it('says where, and how often', () => {
    fc.assert(
      fc.property(hostileOctets(), (octets) => {
        const quoter = new Quoter();
        const quoted = Buffer.concat([quoter.push(octets), quoter.end()]);
        const { quotes, mismatch } = surveyMemory(messageFromBuffer(octets), octets);
        expect(quotes).toHaveLength(quoted.length - octets.length);
        expect(mismatch).toBeUndefined();
        expect(quoter.quoted).toBe(quoted.length - octets.length);
      }),
    );
  });
});

describe('un-quoting', () => {
  it('gives back what was quoted, in any cut', () => {
    fc.assert(
      fc.property(hostileOctets(), cuts(), (octets, cut) => {
        expect(text(unquote(quote(octets, cut), cut))).toBe(text(octets));
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with the rule on octets that nobody quoted', () => {
    fc.assert(
      fc.property(hostileOctets(), cuts(), (octets, cut) => {
        expect(text(unquote(octets, cut))).toBe(unquoteSimply(text(octets)));
      }),
      { numRuns: 500 },
    );
  });
});

it('quoting takes time in proportion to the octets', () => {
  // A quadratic one would need hours for these.
  for (const piece of ['>', 'From ', '>From ', '\nFrom ', '\n>', 'F', '\n']) {
    const octets = Buffer.from(piece.repeat(300_000));
    const cut: Cut = (all) => {
      const chunks: Buffer[] = [];
      for (let at = 0; at < all.length; at += 1000) {
        chunks.push(all.subarray(at, at + 1000));
      }
      return chunks;
    };
    expect(unquote(quote(octets, cut), cut).equals(octets)).toBe(true);
  }
});
