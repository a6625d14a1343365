/**
 * How strong each way to log in is, for people who choose a server or a setting: also of the ways that we do not have. Data only.
 */

/**
 * `strong`: the server proves itself too, or no secret is shared at all. `token`: a secret of limited life and reach.
 * `password`: the password itself goes to the server, so TLS is all that protects it. `weak`: broken or about to be.
 */
export type Strength = 'strong' | 'token' | 'password' | 'weak' | 'unknown';

const STRENGTHS: ReadonlyMap<string, Strength> = new Map([
  ['EXTERNAL', 'strong'],
  ['GSSAPI', 'strong'],
  ['GS2-KRB5', 'strong'],
  ['GS2-KRB5-PLUS', 'strong'],
  ['SCRAM-SHA-1', 'strong'],
  ['SCRAM-SHA-1-PLUS', 'strong'],
  ['SCRAM-SHA-256', 'strong'],
  ['SCRAM-SHA-256-PLUS', 'strong'],
  ['SCRAM-SHA-512', 'strong'],
  ['SCRAM-SHA-512-PLUS', 'strong'],
  ['OAUTHBEARER', 'token'],
  ['XOAUTH2', 'token'],
  ['PLAIN', 'password'],
  ['LOGIN', 'password'],
  ['USER-PASS', 'password'],
  // MD5 and an unsalted secret: who reads the line can guess offline (RFC 6151, RFC 6331, CVE-2007-1558).
  ['APOP', 'weak'],
  ['CRAM-MD5', 'weak'],
  ['DIGEST-MD5', 'weak'],
  ['NTLM', 'weak'],
  ['ANONYMOUS', 'weak'],
]);

/** @param name IANA's name in upper case, or `APOP`, `USER-PASS` */
export function strengthOf(name: string): Strength {
  return STRENGTHS.get(name) ?? 'unknown';
}
