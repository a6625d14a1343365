import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyAsLf, countLineEnds, LfConverter, LineEndCounter, toCrlf } from '../../src/message/line-ends.ts';
import { cuts, hostileOctets } from './arbitraries.ts';

function countSimply(octets: Buffer): { crlf: number; bareLf: number; crCrlf: number } {
  const text = octets.toString('latin1');
  const crlf = text.split('\r\n').length - 1;
  const crCrlf = text.split('\r\r\n').length - 1;
  return { crlf, bareLf: text.split('\n').length - 1 - crlf, crCrlf };
}

function toLf(octets: Buffer): Buffer {
  const target = Buffer.alloc(octets.length);
  return target.subarray(0, copyAsLf(octets, 0, octets.length, target, 0).end);
}

describe('counting line ends', () => {
  it('tells CRLF from bare LF, and counts no bare CR', () => {
    expect(countLineEnds(Buffer.from('a\r\nb\nc\rd\r\r\n\n'))).toEqual({ crlf: 2, bareLf: 2, crCrlf: 1 });
  });

  it('counts a LF as the first octet as bare', () => {
    expect(countLineEnds(Buffer.from('\n\r\n'))).toEqual({ crlf: 1, bareLf: 1, crCrlf: 0 });
  });

  it('agrees with a simple count, whole and in any cut', () => {
    fc.assert(
      fc.property(hostileOctets(), cuts(), (octets, cut) => {
        const counter = new LineEndCounter();
        for (const chunk of cut(octets)) {
          counter.push(chunk);
        }
        expect(countLineEnds(octets)).toEqual(countSimply(octets));
        expect(counter.lineEnds).toEqual(countSimply(octets));
      }),
    );
  });
});

describe('CRLF to LF', () => {
  it('agrees with a simple replacement, whole and in any cut', () => {
    fc.assert(
      fc.property(hostileOctets(), cuts(), (octets, cut) => {
        const expected = octets.toString('latin1').replaceAll('\r\n', '\n');
        const converter = new LfConverter();
        const pieces: Buffer[] = [];
        const keep = (piece: Buffer) => pieces.push(Buffer.from(piece));
        for (const chunk of cut(octets)) {
          converter.push(chunk, keep);
        }
        converter.end(keep);
        expect(toLf(octets).toString('latin1')).toBe(expected);
        expect(Buffer.concat(pieces).toString('latin1')).toBe(expected);
        expect(countSimply(octets)).toMatchObject(converter.lineEnds);
      }),
    );
  });

  it('comes back as it was where every LF had its CR', () => {
    fc.assert(
      fc.property(hostileOctets(), (octets) => {
        fc.pre(countLineEnds(octets).bareLf === 0);
        expect(toCrlf(toLf(octets)).equals(octets)).toBe(true);
      }),
    );
  });

  it('copies a part of the octets to a place in the target, and nothing beside it', () => {
    const target = Buffer.alloc(12, '.');
    const { end, ...counted } = copyAsLf(Buffer.from('xx\r\na\r\nb\r\nyy'), 2, 10, target, 3);
    expect(end).toBe(8);
    expect(counted).toEqual({ crlf: 3, bareLf: 0 });
    expect(target.toString('latin1', 0, end)).toBe('...\na\nb\n');
  });

  it('takes a CRLF that straddles the start for a CR of somebody else', () => {
    const target = Buffer.alloc(4);
    const { end, ...counted } = copyAsLf(Buffer.from('a\r\nb'), 2, 4, target, 0);
    expect(target.toString('latin1', 0, end)).toBe('\nb');
    expect(counted).toEqual({ crlf: 0, bareLf: 1 });
  });
});

describe('LF to CRLF', () => {
  it('puts a CR before each LF, whatever stands there', () => {
    expect(toCrlf(Buffer.from('a\nb\r\n\n')).toString()).toBe('a\r\nb\r\r\n\r\n');
  });
});
