/** What single lines of a server mean: status, greeting, capabilities, response codes, listings; and how commands are built. */
import { describe, expect, it } from 'vitest';
import { Capabilities } from '../../src/pop3/capabilities.ts';
import { command, saslResponse, secretCommand, withoutSecrets } from '../../src/pop3/command.ts';
import { parseGreeting } from '../../src/pop3/greeting.ts';
import { LineReader, parseListLine, parseStat, parseUidlLine } from '../../src/pop3/listing.ts';
import { assertCredentials } from '../../src/pop3/login.ts';
import { meaningOf, parseResponseCode } from '../../src/pop3/response-code.ts';
import { parseStatus, printable, quote } from '../../src/pop3/status.ts';

const octets = (text: string) => Buffer.from(text, 'latin1');
const codeOf = (step: () => unknown): string | undefined => {
  try {
    step();
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'no code';
  }
  return undefined;
};

describe('parseStatus', () => {
  it('judges by +OK and -ERR only, in any case, whatever the text says (RFC-17)', () => {
    expect(parseStatus(octets('+OK -ERR no'), false)).toEqual({ kind: 'ok', text: '-ERR no' });
    expect(parseStatus(octets('+ok'), false).kind).toBe('ok');
    expect(parseStatus(octets('-err \xc3\xa9'), false)).toEqual({ kind: 'err', text: '\xc3\xa9' });
  });

  it('Q36: refuses any other word with a plus sign, and an empty line', () => {
    for (const line of ['+ERR no', '+', '+ abc', '', 'OK', '* OK']) {
      expect(codeOf(() => parseStatus(octets(line), false))).toBe('pop3-protocol');
    }
  });

  it('takes a challenge with and without its blank, only within SASL (RFC-39)', () => {
    expect(parseStatus(octets('+'), true)).toEqual({ kind: 'challenge', text: '' });
    expect(parseStatus(octets('+ '), true)).toEqual({ kind: 'challenge', text: '' });
    expect(parseStatus(octets('+ YWJj'), true)).toEqual({ kind: 'challenge', text: 'YWJj' });
  });

  it('makes server text harmless to a terminal', () => {
    expect(printable('a\x1b[2Jb\xe9')).toBe('a\\x1b[2Jb\\xe9');
    expect(quote('\x1b\x7f\xe9')).toBe('"\\u001b\\x7f\\xe9"');
    expect(quote('x'.repeat(1_000)).length).toBeLessThan(100);
  });
});

describe('parseGreeting', () => {
  const timestampOf = (text: string) => parseGreeting(octets(`+OK ${text}`)).apopTimestamp;

  it('finds a timestamp that is one valid msg-id (RFC-31)', () => {
    expect(timestampOf('ready <1896.697170952@dbc.mtview.ca.us>')).toBe('<1896.697170952@dbc.mtview.ca.us>');
  });

  it('Q56, Q57: finds none where it is malformed, hostile, or there are two (RFC-31)', () => {
    for (const text of [
      '',
      '<a>',
      '<a@b@c>',
      '<a b@c>',
      '<a@\x80>',
      '<a@b',
      '<a@b> <c@d>',
      '<<a@b>',
      '<@b>',
      '<a@>',
    ]) {
      expect(timestampOf(text)).toBeUndefined();
    }
  });

  it('is not held up by a million angle brackets (RFC-31)', () => {
    expect(timestampOf('<'.repeat(1_000_000))).toBeUndefined();
    expect(timestampOf(`<${'a@'.repeat(500_000)}`)).toBeUndefined();
  });

  it('takes POP2 and other protocols for what they are (RFC-12, RFC-82)', () => {
    for (const line of ['+ POP2 ready', '220 mx ESMTP', '* OK IMAP4rev1', 'HTTP/1.1 400', '']) {
      expect(codeOf(() => parseGreeting(octets(line)))).toBe('pop3-not-pop3');
    }
  });

  it('grades a refusal by its response code (RFC-12, RFC-44)', () => {
    expect(codeOf(() => parseGreeting(octets('-ERR go away')))).toBe('pop3-refused');
    expect(codeOf(() => parseGreeting(octets('-ERR [SYS/PERM] no')))).toBe('pop3-sys-perm');
  });
});

describe('Capabilities', () => {
  it('compares names in any case and skips what it does not know (RFC-27)', () => {
    const capabilities = new Capabilities(['top', 'X-Unknown a b', 'Sasl plain LOGIN', 'Expire 0 USER', '']);
    expect(capabilities.has('TOP')).toBe(true);
    expect(capabilities.mechanisms).toEqual(['PLAIN', 'LOGIN']);
    expect(capabilities.parametersOf('EXPIRE')).toEqual(['0', 'USER']);
    expect(capabilities.has('UIDL')).toBe(false);
  });

  it('reads SASL= as SASL (Q54)', () => {
    expect(new Capabilities(['SASL=PLAIN LOGIN']).mechanisms).toEqual(['PLAIN', 'LOGIN']);
  });

  it('does not look at IMPLEMENTATION (RFC-29)', () => {
    expect(new Capabilities(['IMPLEMENTATION PIPELINING UIDL']).has('PIPELINING')).toBe(false);
  });
});

describe('response codes', () => {
  it('are read in any case, with unknown levels ignored (RFC-19)', () => {
    expect(parseResponseCode('[in-use] x')).toBe('IN-USE');
    expect(meaningOf('SYS/TEMP/DISK')?.code).toBe('pop3-sys-temp');
    expect(meaningOf('X-OTHER')).toBeUndefined();
    expect(parseResponseCode('not [IN-USE]')).toBeUndefined();
    expect(parseResponseCode('[]')).toBeUndefined();
  });

  it('say when to try again (RFC-44)', () => {
    const retries = ['AUTH', 'IN-USE', 'LOGIN-DELAY', 'SYS/TEMP', 'SYS/PERM'].map(
      (code) => meaningOf(code)?.retry,
    );
    expect(retries).toEqual(['never', 'later', 'later', 'later', 'never']);
  });
});

describe('listing lines', () => {
  it('STAT is a count and a size, the rest does not count (RFC-46)', () => {
    expect(parseStat('2 320 and more')).toEqual({ count: 2, octets: 320 });
    expect(parseStat('33852 -1972428639')).toEqual({ count: 33852, octets: -1972428639 });
    for (const text of ['', '2', 'x 1', '2x 1', '-1 5']) {
      expect(codeOf(() => parseStat(text))).toBe('pop3-malformed-listing');
    }
  });

  it('LIST takes sizes above 2^32 and ignores what follows a blank (RFC-47)', () => {
    expect(parseListLine(octets('7 1099511627776'))).toEqual({ number: 7, octets: 2 ** 40 });
    expect(parseListLine(octets('1\t 20 more'))).toEqual({ number: 1, octets: 20 });
  });

  it('Q9: LIST guesses nothing (RFC-53)', () => {
    const lines = [
      '',
      '1',
      '1 ',
      'a 1',
      '1 a',
      '1 12k',
      '1 -1',
      '0 5',
      '-1 5',
      '999999999 5',
      `1 ${'9'.repeat(40)}`,
    ];
    for (const line of lines) {
      expect(codeOf(() => parseListLine(octets(line)))).toBe('pop3-malformed-listing');
    }
  });

  it('Q5, Q6, Q7, Q8: UIDL is taken octet by octet, also where it breaks the rules (RFC-48)', () => {
    expect(parseUidlLine(octets('1 aB/<"%..'))).toEqual({ number: 1, uidl: 'aB/<"%..' });
    expect(parseUidlLine(octets('1   a b \xe9\0'))).toEqual({ number: 1, uidl: 'a b \xe9\0' });
    expect(parseUidlLine(octets('+OK 1 abc'))).toEqual({ number: 1, uidl: 'abc' });
    expect(parseUidlLine(octets('2 '))).toEqual({ number: 2, uidl: '' });
    expect(parseUidlLine(octets('2'))).toEqual({ number: 2, uidl: '' });
    expect(parseUidlLine(octets(`3 ${'u'.repeat(4_000)}`)).uidl).toHaveLength(4_000);
  });

  it('Q9: UIDL guesses no number (RFC-53)', () => {
    for (const line of ['', 'abc def', '1a b', '0 a', '999999999 a', '+OK abc']) {
      expect(codeOf(() => parseUidlLine(octets(line)))).toBe('pop3-malformed-listing');
    }
  });

  it('lines come out alike however they are cut, and an endless one is refused at every cut', () => {
    const wire = '1 a\r\n2 b\n\r\n3 c\r\n';
    for (const size of [1, 2, 3, 5, wire.length]) {
      const lines: string[] = [];
      const reader = new LineReader('UIDL', (octets, start, end) =>
        lines.push(octets.toString('latin1', start, end)),
      );
      for (let from = 0; from < wire.length; from += size) {
        reader.push(octets(wire.slice(from, from + size)));
      }
      reader.end();
      expect(lines).toEqual(['1 a', '2 b', '', '3 c']);
    }
    const long = octets(`${'x'.repeat(20_000)}\r\n`);
    const reader = () => new LineReader('UIDL', () => undefined);
    expect(codeOf(() => reader().push(long))).toBe('pop3-protocol');
    expect(codeOf(() => reader().push(long.subarray(0, 19_000)))).toBe('pop3-protocol');
  });
});

describe('commands', () => {
  it('end in CRLF, one blank between the words (RFC-13)', () => {
    expect(command('TOP', 3, 0).octets.toString()).toBe('TOP 3 0\r\n');
  });

  it('are never two commands (RFC-14)', () => {
    for (const password of ['a\r\nDELE 1', 'a\n', 'a\0b']) {
      expect(codeOf(() => secretCommand('PASS', password))).toBe('secret-unusable');
      expect(codeOf(() => assertCredentials({ user: 'alice', password }))).toBe('secret-unusable');
      expect(codeOf(() => assertCredentials({ user: password, password: 'x' }))).toBe('secret-unusable');
    }
  });

  it('have at most 255 octets, and the refusal does not show the secret (RFC-15)', () => {
    expect(command('USER', 'u'.repeat(248)).octets).toHaveLength(255);
    expect(() => secretCommand('PASS', 'p'.repeat(249))).toThrow(/^(?!.*ppp).*256 octets/);
  });

  it('keep blanks within and around a password (RFC-34)', () => {
    expect(secretCommand('PASS', ' a  b ').octets.toString()).toBe('PASS  a  b \r\n');
  });

  it('SASL responses may be of any length (RFC-41)', () => {
    expect(saslResponse('A'.repeat(4_000)).octets).toHaveLength(4_002);
  });

  it('show no secret, nor does what the server repeats of it', () => {
    expect(secretCommand('PASS', 'hunter2').shown).toBe('PASS ****');
    expect(saslResponse('c2VjcmV0').shown).toBe('****');
    expect(withoutSecrets('bad PASS caf\xc3\xa9!', ['café'])).toBe('bad PASS ****!');
  });
});
