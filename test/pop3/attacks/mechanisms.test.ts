/** A server that talks the client out of a strong login, or into a weak one. Nothing follows from which the secret could be read. */
import { describe, expect, it } from 'vitest';
import { expectNoLogin, expectNoSecret, failedLogin, GREETING, startAttacker } from '../support/attacker.ts';

describe('a mechanism is made to look weaker', () => {
  /** A clear line that the job allows: whoever answers can also read. */
  const clear = { security: 'plaintext', auth: 'AUTO' } as const;

  it.each(['-ERR no such mechanism', '-ERR', '-ERR [SYS/TEMP] not now'])(
    'by %j to the strong one on a line that others can read: nothing weaker follows',
    async (refusal) => {
      const attacker = await startAttacker(async ({ say, hears }) => {
        say(GREETING);
        await hears('CAPA\r\n');
        say('+OK\r\nSASL SCRAM-SHA-256 PLAIN LOGIN CRAM-MD5\r\nUSER\r\n.\r\n');
        await hears('AUTH SCRAM-SHA-256');
        say(`${refusal}\r\n`);
      });
      await failedLogin(attacker, clear);
      expect(attacker.heard()).not.toMatch(/AUTH (?:PLAIN|LOGIN|CRAM)|USER|PASS|APOP/);
      expectNoSecret(attacker);
    },
  );

  it('by a challenge that is none, in place of the one that proves the server', async () => {
    for (const challenge of ['', 'r=short,s=AAAA,i=4096', 'r=mine,s=QQ==,i=1', 'e=invalid-proof']) {
      const attacker = await startAttacker(async ({ say, hears }) => {
        say(GREETING);
        await hears('CAPA\r\n');
        say('+OK\r\nSASL SCRAM-SHA-256 PLAIN\r\nUSER\r\n.\r\n');
        await hears('AUTH SCRAM-SHA-256');
        say(`+ ${Buffer.from(challenge).toString('base64')}\r\n`);
        await hears('*\r\n');
        say('-ERR cancelled\r\n');
      });
      const { retry } = await failedLogin(attacker, clear);
      expect(retry).toBe('never');
      expect(attacker.heard()).not.toMatch(/AUTH PLAIN|USER|PASS/);
      expectNoSecret(attacker);
    }
  });

  it('by asking for the password where a proof was begun', async () => {
    const attacker = await startAttacker(async ({ say, hears }) => {
      say(GREETING);
      await hears('CAPA\r\n');
      say('+OK\r\nSASL CRAM-MD5\r\n.\r\n');
      await hears('AUTH CRAM-MD5\r\n');
      say(`+ ${Buffer.from('Password:').toString('base64')}\r\n`);
      await hears('=\r\n');
      say(`+ ${Buffer.from('Password:').toString('base64')}\r\n`);
      await hears('*\r\n');
      say('-ERR cancelled\r\n');
    });
    const { code } = await failedLogin(attacker, { security: 'plaintext', auth: 'CRAM-MD5' });
    expect(code).toBe('pop3-protocol');
    expectNoSecret(attacker);
  });

  it('by announcing none that takes a token: it does not go as a password', async () => {
    const attacker = await startAttacker(async ({ say, hears }) => {
      say(GREETING);
      await hears('CAPA\r\n');
      say('+OK\r\nSASL PLAIN LOGIN\r\nUSER\r\n.\r\n');
    });
    const { code } = await failedLogin(attacker, { ...clear, isToken: true });
    expect(code).toBe('login-not-possible');
    expectNoLogin(attacker);
  });
});

describe('Q57: the greeting is hostile', () => {
  it.each<[string, string]>([
    ['a million <', `+OK ${'<'.repeat(1_000_000)}\r\n`],
    ['a million < without an end', `+OK ${'<'.repeat(1_000_000)}`],
    ['a line of <a@, over and over', `+OK ${'<a@'.repeat(100)}\r\n`],
    ['two timestamps', '+OK <1@a.example> <2@b.example>\r\n'],
    ['a timestamp that ends the line', '+OK <1@a\r\n.example>\r\n'],
    ['a timestamp without an at-sign', '+OK <tide>\r\n'],
    ['a timestamp with a NUL', '+OK <1@a\0.example>\r\n'],
  ])('%s: APOP makes no digest of it', async (_, greeting) => {
    const attacker = await startAttacker(async ({ say, hears }) => {
      say(greeting);
      await hears('CAPA\r\n');
      say('-ERR\r\n');
    });
    const { retry } = await failedLogin(attacker, { auth: 'APOP', security: 'plaintext' });
    expect(retry).toBe('never');
    expectNoLogin(attacker);
  });
});
