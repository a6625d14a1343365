import { describe, expect, it } from 'vitest';
import { chooseWays, waysAfter } from '../../../src/pop3/sasl/choose-ways.ts';
import type { SaslLine } from '../../../src/pop3/sasl/mechanism.ts';
import { SASL_NAMES, type Way } from '../../../src/pop3/sasl/names.ts';

const channelBinding = { type: 'tls-exporter', data: Buffer.from('x') } as const;
const secure = (...offered: string[]): SaslLine => ({
  host: 'h',
  port: 995,
  serverName: 'h',
  channelBinding,
  hasClientCertificate: false,
  offered,
});
const clear = (...offered: string[]): SaslLine => ({ ...secure(...offered), channelBinding: undefined });

describe('the order of auth: auto', () => {
  it('is from the strongest to USER and PASS, weak ones never among them', () => {
    const ways = chooseWays(secure(...[...SASL_NAMES].reverse(), 'X-OWN'));
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
    ['no GSSAPI, which would hang on a ticket', secure('GSSAPI', 'PLAIN'), ['PLAIN', 'USER-PASS']],
    ['PLAIN before LOGIN', secure('LOGIN', 'PLAIN'), ['PLAIN', 'LOGIN', 'USER-PASS']],
  ])('%s', (_, line, expected) => {
    expect(chooseWays(line)).toEqual(expected);
  });
});

describe('Q55, RFC-42: after a refusal', () => {
  const refused = (way: Way, extra = {}) => ({
    way,
    isSecretSent: false,
    explanation: undefined,
    meaning: undefined,
    ...extra,
  });
  const auth = { meaning: { code: 'login-refused' } };
  const inUse = { meaning: { code: 'pop3-in-use' } };
  const sent = { isSecretSent: true };
  const others: readonly Way[] = ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN', 'USER-PASS'];
  const bare: readonly Way[] = ['SCRAM-SHA-1', 'PLAIN', 'USER-PASS'];

  it.each<[string, ReturnType<typeof refused>, boolean, readonly Way[]]>([
    [
      'all others, where nothing secret was sent and nothing said why',
      refused('SCRAM-SHA-256'),
      true,
      others,
    ],
    ['none, where the secret was tested', refused('PLAIN', sent), true, []],
    ['none, where the user name or password is wrong', refused('SCRAM-SHA-256', auth), true, []],
    ['none, where the maildrop is in use', refused('SCRAM-SHA-256-PLUS', inUse), true, []],
    ['bare ones, where it may be the binding', refused('SCRAM-SHA-256-PLUS', auth), true, bare],
    ['bare ones, also after the proof', refused('SCRAM-SHA-256-PLUS', { ...auth, ...sent }), true, bare],
    [
      'none, where the server says what is wrong with the proof or the binding',
      refused('SCRAM-SHA-256-PLUS', { ...sent, explanation: 'somebody may be in between' }),
      true,
      [],
    ],
    [
      'only those of the same strength on a clear line',
      refused('SCRAM-SHA-256'),
      false,
      ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'],
    ],
    ['USER and PASS for PLAIN on a clear line', refused('PLAIN'), false, ['PLAIN', 'USER-PASS']],
  ])('%s are left', (_, refusal, isSecure, expected) => {
    expect(waysAfter(refusal, others, isSecure)).toEqual(expected);
  });
});
