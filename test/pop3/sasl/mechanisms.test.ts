/** The mechanisms by the examples of their RFCs, and what they refuse to go along with. */
import { describe, expect, it } from 'vitest';
import { CRAM_MD5 } from '../../../src/pop3/sasl/cram-md5.ts';
import type { SaslExchange, SaslLine } from '../../../src/pop3/sasl/mechanism.ts';
import { MECHANISMS } from '../../../src/pop3/sasl/mechanisms.ts';
import { SASL_NAMES } from '../../../src/pop3/sasl/names.ts';
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

/** No RFC has an example: this one was computed by Python's hashlib and hmac, from the names of RFC 7677's. */
const BY_PYTHON = {
  name: 'SCRAM-SHA-512',
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst:
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=,i=4096',
  final:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=/3obeUE1tHCJjbQttd+ChF5ox2IU1rNjj2wVDnbQ5LdNT126oy4QgLz2tHw/Uj7Gwb6PRuHOS3HC+45exxT58A==',
  serverFinal: 'v=5AwW78p+EVPirB3A5lrHcvrN8pVKRlR3opLuRoxXrN9ubKokkPzVPzWNNNuBbrtZrv5mpfKZ7+QCDSZWeZQEqw==',
} as const;

describe.each([RFC_5802, RFC_7677, BY_PYTHON])(
  '$name',
  ({ name, nonce, first, serverFirst, final, serverFinal }) => {
    const start = (line = CLEAR) =>
      scram(name, () => nonce).start({ user: 'user', password: 'pencil' }, line);

    it('speaks as in its example, and is complete only after the proof of the server', async () => {
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

    it.each([1, 4095, 2_000_001, 4_294_967_295])(
      'ends where the server wants %d iterations',
      async (count) => {
        expect(await codeOf(say(start(), `r=${nonce}x,s=AAAA,i=${count}`))).toBe('login-scram-iterations');
      },
    );

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
  },
);

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

describe('PLAIN', () => {
  const say = (user: string, password: string, authorizationId?: string) =>
    MECHANISMS.PLAIN.start({ user, password, authorizationId }, CLEAR).initialResponse;

  it('speaks as in the examples of RFC 4616 §4 and RFC 5034 §6', () => {
    expect(say('tim', 'tanstaaftanstaaf')?.toString()).toBe('\0tim\0tanstaaftanstaaf');
    expect(say('Kurt', 'xipj3plmq', 'Ursel')?.toString()).toBe('Ursel\0Kurt\0xipj3plmq');
    expect(say('test', 'test', 'test')?.toString('base64')).toBe('dGVzdAB0ZXN0AHRlc3Q=');
  });

  it('answers no challenge: all is said', () => {
    const exchange = MECHANISMS.PLAIN.start({ user: 'tim', password: 'secret' }, CLEAR);
    expect(exchange.isComplete()).toBe(true);
    expect(() => exchange.respond(Buffer.alloc(0))).toThrow(/after the whole of SASL PLAIN/);
  });
});

describe('LOGIN', () => {
  it('says the user name, then the password, and nothing more', async () => {
    const exchange = MECHANISMS.LOGIN.start({ user: 'tim', password: 'tanstaaftanstaaf' }, CLEAR);
    expect(exchange.initialResponse).toBeUndefined();
    expect(await say(exchange, 'User Name\0')).toBe('tim');
    expect(exchange.isComplete()).toBe(false);
    expect(await say(exchange, 'Password\0')).toBe('tanstaaftanstaaf');
    expect(exchange.isComplete()).toBe(true);
    expect(() => exchange.respond(Buffer.alloc(0))).toThrow(/more than user name and password/);
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
