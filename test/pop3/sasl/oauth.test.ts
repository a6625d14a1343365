/** XOAUTH2 and OAUTHBEARER by the examples of their makers: the token, the refusal in words, and what is no token. */
import { describe, expect, it } from 'vitest';
import type { SaslExchange, SaslLine } from '../../../src/pop3/sasl/mechanism.ts';
import { MECHANISMS } from '../../../src/pop3/sasl/mechanisms.ts';

const CLEAR: SaslLine = {
  host: 'pop.example.net',
  port: 110,
  serverName: 'pop.example.net',
  channelBinding: undefined,
  hasClientCertificate: false,
  offered: [],
};

async function say(exchange: SaslExchange, challenge: string): Promise<string> {
  return (await exchange.respond(Buffer.from(challenge))).toString('latin1');
}

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

  it('OAUTHBEARER takes the refusal of RFC 7628 §4.3, and answers as there', async () => {
    const challenge =
      'eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0=';
    const exchange = MECHANISMS.OAUTHBEARER.start({ user: 'user@example.com', password: TOKEN }, server);
    const answer = await exchange.respond(Buffer.from(challenge, 'base64'));
    expect(answer.toString('base64')).toBe('AQ==');
    expect(exchange.explanation?.()).toBe(
      'the access token has expired or is not valid (invalid_token, scope example_scope)',
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
