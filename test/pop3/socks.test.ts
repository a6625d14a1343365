/** The SOCKS5 dialogue by the octets of RFC 1928 and RFC 1929, whole and cut anywhere. */
import { describe, expect, it, test } from 'vitest';
import { SocksDialogue, type SocksEnd } from '../../src/pop3/socks.ts';

const target = { host: 'pop.example', port: 995 };
const alice = { user: 'alice', password: 'wönder' };
/** CONNECT pop.example:995, by name. */
const CONNECT = Buffer.from([5, 1, 0, 3, 11, ...Buffer.from('pop.example'), 0x03, 0xe3]);
const LOGIN = Buffer.from([1, 5, ...Buffer.from('alice'), 7, ...Buffer.from('wönder', 'utf8')]);

interface Told {
  readonly sent: Buffer;
  readonly end: SocksEnd | undefined;
}

function play(octets: readonly number[], credentials?: typeof alice, pieceOctets = octets.length): Told {
  const dialogue = new SocksDialogue(target, credentials);
  const sent: Buffer[] = [];
  let end: SocksEnd | undefined;
  let rest = Buffer.alloc(0);
  for (let at = 0; at < octets.length; at += pieceOctets) {
    const piece = Buffer.from(octets.slice(at, at + pieceOctets));
    if (end !== undefined) {
      rest = Buffer.concat([rest, piece]);
      continue;
    }
    const told = dialogue.push(piece);
    sent.push(...told.send);
    end = told.end;
  }
  const whole = end?.kind === 'open' ? { ...end, rest: Buffer.concat([end.rest, rest]) } : end;
  return { sent: Buffer.concat(sent), end: whole };
}

const GREETING = [...Buffer.from('+OK hello\r\n')];
const ADDRESSES = [
  ['an IPv4 address', [1, 192, 0, 2, 1, 0, 80]],
  ['an IPv6 address', [4, ...Array.from({ length: 16 }, () => 7), 0, 80]],
  ['a name', [3, 4, ...Buffer.from('abcd'), 0, 80]],
  ['an empty name', [3, 0, 0, 80]],
] as const;

describe('a SOCKS5 proxy', () => {
  it('is greeted with the ways to log in that there are', () => {
    expect(new SocksDialogue(target, undefined).greeting).toEqual(Buffer.from([5, 1, 0]));
    expect(new SocksDialogue(target, alice).greeting).toEqual(Buffer.from([5, 2, 0, 2]));
  });

  describe.each(ADDRESSES)('that answers with %s', (_, address) => {
    const octets = [5, 0, 5, 0, 0, ...address, ...GREETING];

    test.each(octets.map((__, index) => index + 1))('opens, cut into pieces of %i octets', (pieceOctets) => {
      expect(play(octets, undefined, pieceOctets)).toEqual({
        sent: CONNECT,
        end: { kind: 'open', rest: Buffer.from(GREETING) },
      });
    });
  });

  it('that wants a login gets it, then the request', () => {
    const octets = [5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for (const pieceOctets of [1, 2, 3, octets.length]) {
      expect(play(octets, alice, pieceOctets)).toMatchObject({
        sent: Buffer.concat([LOGIN, CONNECT]),
        end: { kind: 'open' },
      });
    }
  });

  test.each([
    ['wants a login that there is none for', [5, 2], undefined, { isLogin: true }],
    ['knows no way to log in that we have', [5, 255], alice, { isLogin: true }],
    ['refuses the password', [5, 2, 1, 1], alice, { isLogin: true }],
    ['speaks something else', [...Buffer.from('HTTP/1.0 400')], alice, { isLogin: false, why: /SOCKS5/ }],
    ['speaks SOCKS4', [0, 90], undefined, { isLogin: false, why: /SOCKS5/ }],
    ['cannot reach the host', [5, 0, 5, 4], undefined, { isLogin: false, why: /host/ }],
    ['is refused by the server', [5, 0, 5, 5], undefined, { isLogin: false, why: /refuses the connection/ }],
    ['answers with a code that nobody knows', [5, 0, 5, 99], undefined, { isLogin: false, why: /99/ }],
    ['changes the version', [5, 0, 4, 0, 0, 1, 0], undefined, { isLogin: false, why: /no SOCKS5/ }],
    ['answers with an unknown kind of address', [5, 0, 5, 0, 0, 9, 0], undefined, { isLogin: false }],
  ])('that %s is told of, and sent nothing more', (_, octets, credentials, { isLogin, ...facts }) => {
    const { end } = play(octets, credentials);
    expect(end).toMatchObject({ kind: 'refused', isLogin });
    if ('why' in facts) {
      expect(end).toMatchObject({ why: expect.stringMatching(facts.why) });
    }
    expect(play(octets, credentials, 1).end).toEqual(end);
  });

  it('that says less than it has to is waited for', () => {
    for (const octets of [[], [5], [5, 0], [5, 0, 5, 0, 0, 1, 1, 1, 1, 1, 0], [5, 0, 5, 0, 0, 3, 200, 1]]) {
      expect(play(octets).end).toBeUndefined();
    }
  });

  it('is not sent a name or a password that does not fit', () => {
    const long = new SocksDialogue({ host: 'x'.repeat(256), port: 1 }, undefined);
    expect(() => long.push(Buffer.from([5, 0]))).toThrow('the host name has 256 octets');
    const empty = new SocksDialogue(target, { user: 'alice', password: '' });
    expect(() => empty.push(Buffer.from([5, 2]))).toThrow('the password has 0 octets');
  });
});
