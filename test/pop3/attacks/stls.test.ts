/**
 * STLS taken away, or something said in the clear around it, by whoever answers in the server's place. No octet of a credential
 * leaves, whatever way of logging in the job names.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../../../src/demo/certificate.ts';
import {
  type Attack,
  EVERYTHING,
  expectNoLogin,
  failedLogin,
  failedLogins,
  GREETING,
  startAttacker,
} from '../support/attacker.ts';
import { optionsFor } from '../support/sessions.ts';

let folder: string;
let good: Certificate;
let caPath: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-attacks-'));
  good = await makeCertificate();
  caPath = join(folder, 'ca.pem');
  writeFileSync(caPath, good.authorityPem);
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('Q62: STLS is stripped', () => {
  it.each<[string, (attack: Attack) => Promise<void>]>([
    [
      'from CAPA, which has all else',
      async ({ say, hears }) => {
        say(GREETING);
        await hears('CAPA\r\n');
        say(`+OK\r\n${EVERYTHING}.\r\n`);
      },
    ],
    [
      'by an -ERR to it',
      async ({ say, hears }) => {
        say(GREETING);
        await hears('CAPA\r\n');
        say(`+OK\r\nSTLS\r\n${EVERYTHING}.\r\n`);
        await hears('STLS\r\n');
        say('-ERR TLS is not available, please go on without\r\n');
      },
    ],
    [
      'together with CAPA',
      async ({ say, hears }) => {
        say(GREETING);
        await hears('CAPA\r\n');
        say('-ERR unknown command\r\n');
        await hears('STLS\r\n');
        say('-ERR unknown command\r\n');
      },
    ],
    [
      'by a server that closes at CAPA and, asked without it, refuses STLS',
      async ({ say, hears, end }) => {
        say(GREETING);
        void hears('CAPA\r\n').then(end);
        await hears('STLS\r\n');
        say('-ERR unknown command\r\n');
      },
    ],
  ])('%s: required means required', async (_, attack) => {
    expect(await failedLogins(attack, { security: 'starttls' })).toEqual(new Set(['connection-tls']));
  });
});

describe('Q61: something is said in the clear behind the +OK of STLS', () => {
  const INJECTED = [
    '+OK injected\r\n',
    `+OK\r\n${EVERYTHING}.\r\n`,
    '-ERR [AUTH] no\r\n',
    '+OK half a li',
    '+',
    '\0',
  ];

  async function untilStls({ say, hears }: Attack): Promise<void> {
    say(GREETING);
    await hears('CAPA\r\n');
    say('+OK\r\nSTLS\r\n.\r\n');
    await hears('STLS\r\n');
  }

  it.each(INJECTED)('in the same packet: %j', async (injected) => {
    const attack = async (line: Attack) => {
      await untilStls(line);
      line.say(`+OK begin\r\n${injected}`);
    };
    expect(await failedLogins(attack, { security: 'starttls' })).toEqual(new Set(['pop3-unsolicited']));
  });

  it.each(INJECTED)('in the next packet: %j', async (injected) => {
    const attack = async (line: Attack) => {
      await untilStls(line);
      line.say('+OK begin\r\n');
      // A ClientHello (RFC 8446 §4): the handshake has begun.
      await line.hears('\x16\x03');
      line.say(injected);
      line.end();
    };
    const codes = await failedLogins(attack, { security: 'starttls' });
    expect([...codes].filter((code) => !code.startsWith('connection-'))).toEqual([]);
  });

  it('and a good server takes over: what CAPA said before is forgotten, and a login needs what is said within', async () => {
    const attacker = await startAttacker(async (line) => {
      await untilStls(line);
      line.say('+OK begin\r\n');
      line.startTls(good);
      await line.hears('CAPA\r\nSTLS\r\n');
    });
    const timeouts = { ...optionsFor(0).timeouts, loginMs: 300 };
    const tls = { caPath, fingerprints: [], serverName: undefined };
    const { code } = await failedLogin(attacker, { security: 'starttls', timeouts, tls });
    expect(code).toBe('connection-silent');
    expectNoLogin(attacker);
  });
});

describe('RFC-2: TLS is of an old version', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)(
    '%s, from the first octet or behind STLS: nothing is said within',
    async (version) => {
      for (const security of ['tls', 'starttls'] as const) {
        const attacker = await startAttacker(async (line) => {
          if (security === 'starttls') {
            line.say(GREETING);
            await line.hears('CAPA\r\n');
            line.say('+OK\r\nSTLS\r\n.\r\n');
            await line.hears('STLS\r\n');
            line.say('+OK\r\n');
          }
          const ciphers = 'DEFAULT:@SECLEVEL=0';
          line.startTls(good, { minVersion: version, maxVersion: version, ciphers });
          line.say(GREETING);
        });
        const tls = { caPath, fingerprints: [], serverName: undefined };
        const error = await failedLogin(attacker, { security, tls, auth: 'AUTO' });
        // As TLS's fault where the server says so, by an alert; this one only hangs up.
        expect(error.code).toMatch(/^connection-(?:tls|unreachable)$/);
        expectNoLogin(attacker);
      }
    },
  );
});

it('the search finds a login where there is one', async () => {
  for (const auth of ['PLAIN', 'LOGIN', 'USER-PASS', 'APOP'] as const) {
    const attacker = await startAttacker(async ({ say, hears }) => {
      say(GREETING);
      await hears('CAPA\r\n');
      say(`+OK\r\nSASL PLAIN LOGIN\r\n.\r\n`);
      for (const verb of ['AUTH', 'USER', 'APOP']) {
        void hears(verb).then(() => say(auth === 'LOGIN' ? '+ \r\n+ \r\n' : '+OK\r\n-ERR no\r\n'));
      }
    });
    await failedLogin(attacker, { auth, security: 'plaintext' });
    expect(() => expectNoLogin(attacker)).toThrow();
  }
});
