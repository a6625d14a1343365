/**
 * Keys that belong to a job definition but do nothing in this version. They are refused by name: a job that names a
 * sink that gets nothing, or a limit that is not kept, must not look as if it had run. An entry goes when its key works.
 */

/** By the place's pattern and the key, as in `limits.bytesPerSession`; the value ends a sentence that began with the key. */
const NOT_YET: ReadonlyMap<string, string> = new Map([
  ['limits.bytesPerSession', 'it cannot limit what one session transfers'],
]);

const MECHANISMS_NOT_YET: ReadonlySet<string> = new Set([
  'ANONYMOUS',
  'CRAM-SHA1',
  'CRAM-SHA256',
  'DIGEST-MD5',
  'GSSAPI',
  'NTLM',
]);

/** Why a key is refused although it is right; undefined where it is simply unknown. */
export function notYetKey(pattern: string, key: string): string | undefined {
  const why = NOT_YET.get(pattern === '' ? key : `${pattern}.${key}`);
  return why === undefined ? undefined : `this version does not have "${key}" yet: ${why}; remove the key`;
}

/** Whether this is the name of a login mechanism that is to come. */
export function isMechanismNotYet(value: unknown): boolean {
  return typeof value === 'string' && MECHANISMS_NOT_YET.has(value.toUpperCase());
}
