import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFields } from '../../src/message/header-fields.ts';
import { messageDate } from '../../src/message/message-date.ts';
import { hostileOctets } from './arbitraries.ts';

const read = (text: string, ...names: string[]): Record<string, string> =>
  Object.fromEntries(readFields(Buffer.from(text, 'latin1'), names));

describe('RFC-81: readFields', () => {
  it('gives the first value of each field, in any case of letters', () => {
    const text = 'RECEIVED: first\r\nreceived: second\r\nDate: d\r\n';
    expect(read(text, 'received', 'date', 'from')).toEqual({ received: 'first', date: 'd' });
  });

  it('unfolds values', () => {
    expect(read('Received: a\r\n\tb\r\n  c\r\nDate: d\r\n', 'received')).toEqual({ received: 'a\tb  c' });
  });

  it('allows white space before the colon, and no other name', () => {
    expect(read('Date \t: d\r\nFromage: x\r\nFrom: y\r\n', 'date', 'from')).toEqual({ date: 'd', from: 'y' });
  });

  it('reads lines that end in LF, and a last line without an end', () => {
    expect(read('From: a\nDate: d', 'from', 'date')).toEqual({ from: 'a', date: 'd' });
  });

  it('takes no continuation line for a field', () => {
    expect(read('Subject: x\r\n Date: no\r\nDate: yes\r\n', 'date')).toEqual({ date: 'yes' });
  });

  it('keeps a bounded part of a value', () => {
    expect(read(`From: ${'<'.repeat(1_000_000)}\r\nDate: d\r\n`, 'from', 'date')).toMatchObject({
      date: 'd',
    });
    expect(read(`From: ${'<'.repeat(1_000_000)}\r\n`, 'from')['from']).toHaveLength(4095);
  });

  it('never throws', () => {
    fc.assert(fc.property(hostileOctets(), (octets) => void readFields(octets, ['from', 'f', ''])));
  });

  it('takes time in proportion to the octets', () => {
    // A quadratic reader would need hours for these.
    for (const text of ['\n', ':', ' ', 'from', 'from ', 'from:\n ']) {
      readFields(Buffer.from(text.repeat(1_000_000)), ['from', 'date']);
    }
  });
});

describe('messageDate', () => {
  const DATE = 'Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n';

  it('is the topmost Received field', () => {
    const text = `Received: by b; Sat, 22 Nov 1997 00:00:00 +0000\r\nReceived: by a; Fri, 21 Nov 1997 00:00:00 +0000\r\n${DATE}\r\n`;
    expect(messageDate(Buffer.from(text))).toBe(Date.UTC(1997, 10, 22));
  });

  it('RFC-81: is the Date field where no Received field can be read', () => {
    const expected = Date.UTC(1997, 10, 21, 15, 55, 6);
    expect(messageDate(Buffer.from(`${DATE}\r\n`))).toBe(expected);
    expect(messageDate(Buffer.from(`Received: nonsense\r\n${DATE}\r\n`))).toBe(expected);
  });

  it('is not looked for in the body', () => {
    expect(messageDate(Buffer.from(`Subject: x\r\n\r\n${DATE}`))).toBeUndefined();
  });
});
