/** Login mechanisms that are to come: refused as such, and not as a slip of the pen. An entry goes when it works. */

const MECHANISMS_NOT_YET: ReadonlySet<string> = new Set([
  'ANONYMOUS',
  'CRAM-SHA1',
  'CRAM-SHA256',
  'DIGEST-MD5',
  'NTLM',
]);

/** Whether this is the name of a login mechanism that is to come. */
export function isMechanismNotYet(value: unknown): boolean {
  return typeof value === 'string' && MECHANISMS_NOT_YET.has(value.toUpperCase());
}
