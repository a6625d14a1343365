/** The names of all ways to log in that there are here: one list for the engine and for the schema of a job. Data only. */

/** IANA's names and XOAUTH2, strongest first: the order in which `AUTO` tries what it may. */
export const SASL_NAMES = [
  'EXTERNAL',
  'GSSAPI',
  'SCRAM-SHA-512-PLUS',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-512',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'OAUTHBEARER',
  'XOAUTH2',
  'CRAM-MD5',
  'PLAIN',
  'LOGIN',
] as const;

export type SaslName = (typeof SASL_NAMES)[number];

/** What `auth` may be: `AUTO`, a mechanism, or one of the two ways of RFC 1939 §7 that are no SASL. */
export const AUTH_CHOICES = ['AUTO', ...SASL_NAMES, 'APOP', 'USER-PASS'] as const;

export type AuthChoice = (typeof AUTH_CHOICES)[number];
export type Way = Exclude<AuthChoice, 'AUTO'>;

/** Whether it takes a secret from the job: a client certificate or a ticket is shown without one. */
export function needsPassword(choice: AuthChoice): boolean {
  return choice !== 'EXTERNAL' && choice !== 'GSSAPI';
}

export function isSasl(way: Way): way is SaslName {
  return way !== 'APOP' && way !== 'USER-PASS';
}
