import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromLine } from '../../src/sink/mbox/from-line.ts';
import { hostileOctets } from '../message/arbitraries.ts';
import { nastyMessages } from '../message/nasty-messages.ts';

const DATE = 'Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n';
const line = (...fields: string[]): string =>
  fromLine(Buffer.from(`${fields.join('\r\n')}\r\n\r\n`, 'latin1'));
const senderIn = (...fields: string[]): string | undefined => line(...fields).split(' ')[1];
/** What every reader accepts, Dovecot's strict one included. */
const FROM_LINE = /^From [!-~]+ (Sun|Mon|Tue|Wed|Thu|Fri|Sat) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\n$/;

describe('the From_ line', () => {
  it('has the sender and the date in UTC', () => {
    const header = `Return-Path: <a@example.org>\r\n${DATE}\r\n`;
    expect(fromLine(Buffer.from(header))).toBe('From a@example.org Fri Nov 21 15:55:06 1997\n');
  });

  it('prefers the date that the last server wrote', () => {
    const received = 'Received: by b; Sun, 1 Mar 1998 01:02:03 +0000';
    expect(line(received, DATE.trim())).toContain('Sun Mar  1 01:02:03 1998');
  });

  it('begins the time where no date can be read, or lies before it', () => {
    expect(line('Subject: x')).toBe('From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n');
    expect(line('Date: 1 Jan 1960 00:00:00 +0000')).toContain('Thu Jan  1 00:00:00 1970');
  });

  it.each([
    ['a@example.org', ['Return-Path: <a@example.org>', 'From: b@example.org']],
    ['b@example.org', ['From: Bob <b@example.org>']],
    ['b@example.org', ['From: b@example.org (Bob)']],
    ['b@example.org', ['From: "<x>" <b@example.org>']],
    ['b@example.org', ['Return-Path: nonsense', 'From: b@example.org']],
    ['MAILER-DAEMON', ['Return-Path: <>', 'From: b@example.org']],
    ['MAILER-DAEMON', ['From: "a b"@example.org']],
    ['MAILER-DAEMON', ['From: <a b@example.org>']],
    ['MAILER-DAEMON', ['From: J\xfcrgen <j\xfcrgen@example.org>']],
    ['MAILER-DAEMON', [`From: <${'x'.repeat(300)}@example.org>`]],
    ['MAILER-DAEMON', ['From: undisclosed']],
  ])('names %s for %j', (sender, fields) => {
    expect(senderIn(...fields)).toBe(sender);
  });

  it.each(nastyMessages())('is one that every reader accepts: $name', ({ octets }) => {
    expect(fromLine(octets)).toMatch(FROM_LINE);
  });

  it('is one that every reader accepts, whatever the header holds', () => {
    fc.assert(
      fc.property(hostileOctets(), (octets) => {
        const head = Buffer.concat([Buffer.from('From:'), octets, Buffer.from('\r\nReturn-Path: <'), octets]);
        expect(fromLine(head)).toMatch(FROM_LINE);
      }),
    );
  });
});
