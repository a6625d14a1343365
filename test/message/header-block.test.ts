import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEADER_LIMIT_OCTETS, headerBlock, headerDigest } from '../../src/message/header-block.ts';
import { corpusMessages, whySkipCorpus } from '../support/corpus.ts';
import { hostileOctets } from './arbitraries.ts';
import { nastyMessages, wireForm } from './nasty-messages.ts';

const block = (text: string): string => headerBlock(Buffer.from(text, 'latin1')).toString('latin1');
const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');

/** What a server answers to `TOP n 0`, with so many empty lines behind the header. */
function topAnswer(octets: Buffer, emptyLines: number): Buffer {
  const text = octets.toString('latin1');
  const end = text.search(/(?<=^|\n)\r?\n/);
  const header = end === -1 ? text : text.slice(0, end);
  const whole = header === '' || header.endsWith('\n') ? header : `${header}\r\n`;
  return Buffer.from(whole + '\r\n'.repeat(emptyLines), 'latin1');
}

describe('RFC-81: the header block', () => {
  it('ends with the line end of the last header line', () => {
    expect(block('A: 1\r\nB: 2\r\n\r\nbody\r\n\r\nmore')).toBe('A: 1\r\nB: 2\r\n');
  });

  it('is everything where no line is empty', () => {
    expect(block('A: 1\r\nB: 2')).toBe('A: 1\r\nB: 2');
  });

  it.each(['', '\r\nbody', '\nbody'])('is empty where the message begins with an empty line: %j', (text) => {
    expect(block(text)).toBe('');
  });

  it('ends at the first empty line, whatever ends the lines', () => {
    expect(block('A: 1\n\nb\r\n\r\nc')).toBe('A: 1\n');
    expect(block('A: 1\r\n\nb\r\n\r\nc')).toBe('A: 1\r\n');
    expect(block('A: 1\n\r\nb\n\nc')).toBe('A: 1\n');
  });

  it('takes no line that holds a CR for empty', () => {
    expect(block('A: 1\r\n\r\r\nB: 2\r\n\r\nbody')).toBe('A: 1\r\n\r\r\nB: 2\r\n');
  });

  it('is cut at its limit, and not looked for behind it', () => {
    const octets = Buffer.alloc(3 * HEADER_LIMIT_OCTETS, 'a');
    octets.write('\r\n\r\n', HEADER_LIMIT_OCTETS + 10);
    expect(headerBlock(octets)).toHaveLength(HEADER_LIMIT_OCTETS);
  });
});

describe('the header digest', () => {
  it('is the SHA-256 of the header block', () => {
    expect(headerDigest(Buffer.from('A: 1\r\n\r\nbody'))).toBe(sha256('A: 1\r\n'));
  });

  it('is the same from RETR and from TOP for messages of any kind', () => {
    fc.assert(
      fc.property(hostileOctets(), fc.integer({ min: 0, max: 3 }), (octets, emptyLines) => {
        expect(headerDigest(topAnswer(octets, emptyLines))).toBe(headerDigest(octets));
      }),
    );
  });

  it.each(nastyMessages())('is the same from RETR and from TOP: $name', ({ octets }) => {
    expect(headerDigest(topAnswer(octets, 1))).toBe(headerDigest(octets));
  });

  it('differs where one octet of the header differs, and not where the body does', () => {
    const digest = headerDigest(Buffer.from('A: 1\r\n\r\nbody'));
    expect(headerDigest(Buffer.from('A: 2\r\n\r\nbody'))).not.toBe(digest);
    expect(headerDigest(Buffer.from('A: 1\r\n\r\nBODY'))).toBe(digest);
  });

  it.skipIf(whySkipCorpus())('is the same from RETR and from TOP for the whole corpus', () => {
    for (const { name, octets } of corpusMessages()) {
      const wire = wireForm(octets);
      expect(headerDigest(topAnswer(wire, 1)), name).toBe(headerDigest(wire));
    }
  });
});
