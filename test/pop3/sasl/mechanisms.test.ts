/** The mechanisms by the examples of their RFCs, and what they refuse to go along with. */
import { describe, expect, it } from 'vitest';
import { CRAM_MD5 } from '../../../src/pop3/sasl/cram-md5.ts';
import type { SaslExchange, SaslLine } from '../../../src/pop3/sasl/mechanism.ts';
import { MECHANISMS } from '../../../src/pop3/sasl/mechanisms.ts';
import { SASL_NAMES } from '../../../src/pop3/sasl/names.ts';
import { saslprep } from '../../../src/pop3/sasl/saslprep.ts';
import { scram } from '../../../src/pop3/sasl/scram.ts';
import { strengthOf } from '../../../src/pop3/sasl/strength.ts';

const CLEAR: SaslLine = {
  host: 'pop.example.net',
  port: 110,
  serverName: 'pop.example.net',
  channelBinding: undefined,
  hasClientCertificate: false,
  offered: [],
};
const BOUND: SaslLine = { ...CLEAR, channelBinding: { type: 'tls-exporter', data: Buffer.from('binding') } };

async function say(exchange: SaslExchange, challenge: string): Promise<string> {
  return (await exchange.respond(Buffer.from(challenge))).toString('latin1');
}

const codeOf = async (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (cause: unknown) => (cause instanceof Error && 'code' in cause ? cause.code : cause),
  );

it('each mechanism is known by its name, with its strength', () => {
  for (const name of SASL_NAMES) {
    expect(MECHANISMS[name].name).toBe(name);
    expect(strengthOf(name)).not.toBe('unknown');
  }
});

describe('CRAM-MD5', () => {
  it('answers as in RFC 2195 §2', async () => {
    const exchange = CRAM_MD5.start({ user: 'tim', password: 'tanstaaftanstaaf' }, CLEAR);
    expect(exchange.initialResponse).toBeUndefined();
    expect(exchange.isComplete()).toBe(false);
    expect(await say(exchange, '<1896.697170952@postoffice.reston.mci.net>')).toBe(
      'tim b913a602c7eda7a495b4e6e7334d3890',
    );
    expect(exchange.isComplete()).toBe(true);
  });

  it('answers neither an empty challenge nor a second one', async () => {
    const start = () => CRAM_MD5.start({ user: 'tim', password: 'secret' }, CLEAR);
    expect(() => start().respond(Buffer.alloc(0))).toThrow(/empty challenge/);
    const exchange = start();
    await say(exchange, '<1@a>');
    expect(() => exchange.respond(Buffer.from('<1@a>'))).toThrow(/second challenge/);
  });
});

const RFC_5802 = {
  name: 'SCRAM-SHA-1',
  nonce: 'fyko+d2lbbFgONRv9qkxdawL',
  first: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
  serverFirst: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
  final: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
  serverFinal: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
} as const;

const RFC_7677 = {
  name: 'SCRAM-SHA-256',
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
} as const;

describe.each([RFC_5802, RFC_7677])('$name', ({ name, nonce, first, serverFirst, final, serverFinal }) => {
  const start = (line = CLEAR) => scram(name, () => nonce).start({ user: 'user', password: 'pencil' }, line);

  it('speaks as in the example of its RFC, and is complete only after the proof of the server', async () => {
    const exchange = start();
    expect(exchange.initialResponse?.toString()).toBe(first);
    expect(await say(exchange, serverFirst)).toBe(final);
    expect(exchange.isComplete()).toBe(false);
    expect(await say(exchange, serverFinal)).toBe('');
    expect(exchange.isComplete()).toBe(true);
    await expect(say(exchange, serverFinal)).rejects.toThrow(/goes on/);
  });

  it('does not believe a server that does not know the password', async () => {
    const exchange = start();
    await say(exchange, serverFirst);
    const forged = serverFinal.replace(/[A-Za-z]([A-Za-z0-9+/]*=+)$/, (_, rest: string) => `0${rest}`);
    expect(await codeOf(say(exchange, forged))).toBe('login-server-not-proven');
    expect(exchange.isComplete()).toBe(false);
  });

  it.each(['', 'v=', 'v=AA', 'x=AAAA', 'e'])('does not believe the proof %j', async (text) => {
    const exchange = start();
    await say(exchange, serverFirst);
    expect(await codeOf(say(exchange, text))).not.toBe('none');
    expect(exchange.isComplete()).toBe(false);
  });

  it.each([
    ['another nonce', 'r=somebodyelse,s=QSXCR+Q6sek8bf92,i=4096'],
    ['our nonce alone', `r=${nonce},s=QSXCR+Q6sek8bf92,i=4096`],
    ['a nonce without end', `r=${nonce}${'x'.repeat(2000)},s=QSXCR+Q6sek8bf92,i=4096`],
    ['an extension that is mandatory', `m=1,r=${nonce}x,s=QSXCR+Q6sek8bf92,i=4096`],
    ['no salt', `r=${nonce}x,s=,i=4096`],
    ['a salt that is no Base64', `r=${nonce}x,s=AAA,i=4096`],
    ['a salt of megabytes', `r=${nonce}x,s=${'AAAA'.repeat(1000)},i=4096`],
    ['no number of iterations', `r=${nonce}x,s=AAAA,i=many`],
    ['nothing', ''],
  ])('ends where the server sends %s', async (_, text) => {
    expect(await codeOf(say(start(), text))).toBe('pop3-protocol');
  });

  it.each([1, 4095, 2_000_001, 4_294_967_295])('ends where the server wants %d iterations', async (count) => {
    expect(await codeOf(say(start(), `r=${nonce}x,s=AAAA,i=${count}`))).toBe('login-scram-iterations');
  });

  it.each([
    ['invalid-proof', /user name or the password is wrong/],
    ['channel-bindings-dont-match', /somebody may be in between/],
    ['x-house-rule', /x-house-rule/],
  ])('says in words that the server refuses with %s', async (reason, words) => {
    const exchange = start();
    await say(exchange, serverFirst);
    expect(await say(exchange, `e=${reason}`)).toBe('');
    expect(exchange.isComplete()).toBe(false);
    expect(exchange.explanation?.()).toMatch(words);
  });

  it('says that it could bind where the server does not announce that', () => {
    expect(start(BOUND).initialResponse?.toString()).toBe(first.replace(/^n,,/, 'y,,'));
    const announced = { ...BOUND, offered: [`${name}-PLUS`] };
    expect(start(announced).initialResponse?.toString()).toBe(first);
  });

  it('with -PLUS binds its proof to the line, and is not possible without one', async () => {
    const plus = scram(`${name}-PLUS`, () => nonce);
    const credentials = { user: 'user', password: 'pencil' };
    const exchange = plus.start(credentials, BOUND);
    expect(exchange.initialResponse?.toString()).toBe(first.replace(/^n,,/, 'p=tls-exporter,,'));
    const [binding = ''] = (await say(exchange, serverFirst)).split(',');
    expect(Buffer.from(binding.slice(2), 'base64').toString()).toBe('p=tls-exporter,,binding');
    expect(() => plus.start(credentials, CLEAR)).toThrow(/needs TLS/);
  });
});

it('SCRAM takes a name with comma and equals sign, and a new nonce each time', () => {
  const mechanism = scram('SCRAM-SHA-256');
  const firsts = [1, 2].map(() =>
    mechanism.start({ user: 'a=b,c', password: 'x' }, CLEAR).initialResponse?.toString(),
  );
  for (const first of firsts) expect(first).toMatch(/^n,,n=a=3Db=2Cc,r=[A-Za-z0-9+/]{24}$/);
  expect(new Set(firsts).size).toBe(2);
});

it('SCRAM is not possible with what SASLprep prohibits, and says so without saying it', () => {
  const start = (password: string) => scram('SCRAM-SHA-256').start({ user: 'u', password }, CLEAR);
  expect(() => start('hunter2\u0007')).toThrow(/^(?!.*hunter2)the password holds characters/);
  expect(() => start('\u00ad')).toThrow(/holds characters/);
});

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

describe('RFC-41, Q58: OAuth', () => {
  const TOKEN = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==';
  const server = { ...CLEAR, host: 'server.example.com', port: 143 };

  it('OAUTHBEARER speaks as in the example of RFC 7628 §4.1', () => {
    const { initialResponse } = MECHANISMS.OAUTHBEARER.start(
      { user: 'user@example.com', password: TOKEN },
      server,
    );
    expect(initialResponse?.toString('base64')).toBe(
      'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB',
    );
  });

  it('XOAUTH2 speaks as in the example of Google and Microsoft', () => {
    const token = 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg';
    const { initialResponse } = MECHANISMS.XOAUTH2.start(
      { user: 'someuser@example.com', password: token },
      server,
    );
    expect(initialResponse?.toString('base64')).toBe(
      'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==',
    );
  });

  it('OAUTHBEARER takes a name with comma and equals sign', () => {
    const { initialResponse } = MECHANISMS.OAUTHBEARER.start({ user: 'a=b,c', password: 't' }, server);
    expect(initialResponse?.toString().split('\u0001')[0]).toBe('n,a=a=3Db=2Cc,');
  });

  it.each([
    ['OAUTHBEARER', '\u0001'],
    ['XOAUTH2', ''],
  ] as const)('%s answers the refusal, and is not complete then', async (name, answer) => {
    const exchange = MECHANISMS[name].start({ user: 'u', password: TOKEN }, server);
    expect(exchange.isComplete()).toBe(true);
    expect(await say(exchange, '{"status":"invalid_token"}')).toBe(answer);
    expect(exchange.isComplete()).toBe(false);
    expect(() => exchange.respond(Buffer.alloc(0))).toThrow(/goes on after it has refused/);
  });

  it.each([
    [
      '{"status":"invalid_token","scope":"pop"}',
      'the access token has expired or is not valid (invalid_token, scope pop)',
    ],
    [
      '{"status":"401","schemes":"bearer","scope":"https://mail.example.com/"}',
      'the access token has expired or is not valid (401, scope https://mail.example.com/)',
    ],
    [
      '{"status":400}',
      'the server does not understand the request, or the access token is not for this user (400)',
    ],
    [
      '{"status":"insufficient_scope"}',
      'the access token is good, but not for this mailbox or for POP (insufficient_scope)',
    ],
    ['{"status":"x-other"}', 'the server says "{\\"status\\":\\"x-other\\"}"'],
    ['{"status":["invalid_token"]}', 'the server says "{\\"status\\":[\\"invalid_token\\"]}"'],
    ['not JSON', 'the server says "not JSON"'],
    ['null', 'the server says "null"'],
    ['', 'the server does not say why'],
    [`{"status":"${TOKEN}"}`, 'the server says "{\\"status\\":\\"****\\"}"'],
  ])('the refusal %s is told as: %s', async (challenge, words) => {
    const exchange = MECHANISMS.OAUTHBEARER.start({ user: 'u', password: TOKEN }, server);
    await say(exchange, challenge);
    expect(exchange.explanation?.()).toBe(words);
  });

  it.each(['two words', 'tok\u0001en', 't\u00f6ken', ''])('%j is no token: nothing is sent', (password) => {
    for (const name of ['XOAUTH2', 'OAUTHBEARER'] as const) {
      expect(() => MECHANISMS[name].start({ user: 'u', password }, server)).toThrow(/takes an access token/);
    }
  });
});

describe('EXTERNAL', () => {
  const shown = { ...BOUND, hasClientCertificate: true };

  it('says whose maildrop is meant, and nothing more', () => {
    const exchange = MECHANISMS.EXTERNAL.start({ user: 'alice', password: 'secret' }, shown);
    expect(exchange.initialResponse?.toString()).toBe('alice');
    expect(exchange.isComplete()).toBe(true);
    expect(() => exchange.respond(Buffer.alloc(0))).toThrow(/challenge after the whole/);
  });

  it('is not possible without a certificate of our own', () => {
    expect(() => MECHANISMS.EXTERNAL.start({ user: 'alice', password: '' }, BOUND)).toThrow(
      /needs TLS and a client certificate/,
    );
  });
});

describe('an authorization identity', () => {
  const credentials = { user: 'admin', password: 'secret', authorizationId: 'alice' };

  it('is said by PLAIN as RFC 4616 has it', () => {
    const { initialResponse } = MECHANISMS.PLAIN.start(credentials, CLEAR);
    expect(initialResponse?.toString()).toBe('alice\0admin\0secret');
  });

  it('is said by SCRAM in its header, and bound by its proof', async () => {
    const whose = { ...credentials, authorizationId: 'al=i,ce' };
    const exchange = scram('SCRAM-SHA-1', () => 'nonce').start(whose, CLEAR);
    expect(exchange.initialResponse?.toString()).toBe('n,a=al=3Di=2Cce,n=admin,r=nonce');
    const [binding = ''] = (await say(exchange, 'r=nonce1,s=AAAA,i=4096')).split(',');
    expect(Buffer.from(binding.slice(2), 'base64').toString()).toBe('n,a=al=3Di=2Cce,');
  });

  it('takes the place of the user in EXTERNAL', () => {
    const shown = { ...BOUND, hasClientCertificate: true };
    expect(MECHANISMS.EXTERNAL.start(credentials, shown).initialResponse?.toString()).toBe('alice');
  });
});
