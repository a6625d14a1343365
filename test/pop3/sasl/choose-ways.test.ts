import { describe, expect, it } from 'vitest';
import { chooseWays, mayTryNext } from '../../../src/pop3/sasl/choose-ways.ts';
import type { SaslLine } from '../../../src/pop3/sasl/mechanism.ts';
import { SASL_NAMES, type Way } from '../../../src/pop3/sasl/names.ts';

const channelBinding = { type: 'tls-exporter', data: Buffer.from('x') } as const;
const secure = (...offered: string[]): SaslLine => ({
  host: 'h',
  port: 995,
  channelBinding,
  hasClientCertificate: false,
  offered,
});
const clear = (...offered: string[]): SaslLine => ({ ...secure(...offered), channelBinding: undefined });

describe('the order of auth: auto', () => {
  it('is from the strongest to USER and PASS, weak ones never among them', () => {
    const ways = chooseWays(secure(...[...SASL_NAMES].reverse(), 'GSSAPI', 'X-OWN'));
    expect(ways).toEqual([
      ...['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS'],
      ...['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN', 'USER-PASS'],
    ]);
    expect(new Set(ways).size).toBe(ways.length);
  });

  it.each<[string, SaslLine, Way[]]>([
    [
      'a client certificate before all',
      { ...secure('PLAIN', 'EXTERNAL', 'SCRAM-SHA-1'), hasClientCertificate: true },
      ['EXTERNAL', 'SCRAM-SHA-1', 'PLAIN', 'USER-PASS'],
    ],
    ['RFC-35: nothing that is not announced', secure(), ['USER-PASS']],
    ['no -PLUS without TLS', clear('SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'), ['SCRAM-SHA-1', 'USER-PASS']],
    ['Q57: no CRAM-MD5, whatever else there is', clear('CRAM-MD5', 'DIGEST-MD5', 'NTLM'), ['USER-PASS']],
    ['PLAIN before LOGIN', secure('LOGIN', 'PLAIN'), ['PLAIN', 'LOGIN', 'USER-PASS']],
  ])('%s', (_, line, expected) => {
    expect(chooseWays(line)).toEqual(expected);
  });
});

describe('Q55, RFC-42: after a refusal the next is tried', () => {
  const refused = (way: Way, extra = {}) => ({ way, isSecretSent: false, meaning: undefined, ...extra });
  const auth = { meaning: { code: 'login-refused' } };

  it.each<[string, boolean, Parameters<typeof mayTryNext>]>([
    ['where nothing secret was sent and nothing said why', true, [refused('SCRAM-SHA-256'), 'PLAIN', true]],
    ['not where the secret was tested', false, [refused('PLAIN', { isSecretSent: true }), 'LOGIN', true]],
    ['not where the user name or password is wrong', false, [refused('SCRAM-SHA-1', auth), 'PLAIN', true]],
    [
      'where it may be the binding that is refused',
      true,
      [refused('SCRAM-SHA-256-PLUS', auth), 'PLAIN', true],
    ],
    [
      'not where the maildrop is in use',
      false,
      [refused('SCRAM-SHA-1-PLUS', { meaning: { code: 'pop3-in-use' } }), 'SCRAM-SHA-1', true],
    ],
    ['not a weaker one on a clear line', false, [refused('SCRAM-SHA-256'), 'PLAIN', false]],
    ['one of the same strength on a clear line', true, [refused('SCRAM-SHA-256'), 'SCRAM-SHA-1', false]],
    ['LOGIN for PLAIN on a clear line', true, [refused('PLAIN'), 'LOGIN', false]],
  ])('%s', (_, expected, args) => {
    expect(mayTryNext(...args)).toBe(expected);
  });
});
