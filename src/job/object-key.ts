/**
 * Templates of object keys: what a job may make of an account and a digest. A key must follow from these two alone, so that a
 * repeated run writes the same one; so there is no placeholder for a unique-id, a date or a subject. Pure.
 */
import { expandPath, type PlaceholderSource, templateFaults } from './placeholders.ts';

/** S3's limit, in octets of UTF-8. */
export const MAX_KEY_OCTETS = 1024;
/** Longest value of `{sha256}`: the digest, and the number of the copy. */
const LONGEST_CONTENT = `${'0'.repeat(64)}-99999`;

/** What the sink knows of a message; all of it hex digits and "-". */
export interface ContentParts {
  /** The digest, and for further copies of an equal message their number. */
  readonly sha256: string;
  readonly shard: string;
  readonly accountKey: string;
}

/** Braces that are written twice stay as they are here: `expandPath` makes one of them. */
const CONTENT_TOKEN = /\{\{|\}\}|\{(sha256|shard|accountKey)\}/g;

export function expandKey(template: string, account: PlaceholderSource, content: ContentParts): string {
  return expandPath({ text: fillContent(template, content) }, account);
}

function fillContent(template: string, content: ContentParts): string {
  return template.replace(CONTENT_TOKEN, (token: string, name: keyof ContentParts | undefined) =>
    name === undefined ? token : content[name],
  );
}

/** What is wrong with a template, as texts; empty where nothing is. */
export function keyFaults(template: string): string[] {
  const names = [...template.matchAll(CONTENT_TOKEN)].map(([, name]) => name);
  const hasAccount = names.includes('accountKey') || template.includes('{account}');
  const rest = fillContent(template, { sha256: '', shard: '', accountKey: '' });
  return [
    ...(names.includes('sha256') ? [] : ['expected {sha256} in the key, or two messages would have one key']),
    ...(hasAccount
      ? []
      : ['expected {accountKey} or {account} in the key, or two accounts would share objects']),
    ...templateFaults(rest),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
    ...(/[\u0000-\u001f\u007f]/.test(template) ? ['expected a key without control characters'] : []),
    ...(/^\/|\/\/|(^|\/)\.\.?(\/|$)/.test(template)
      ? ['expected a key that does not begin with "/" and has no part that is empty, "." or ".."']
      : []),
  ];
}

/** Octets of the longest key that an account can have. */
export function longestKeyOctets(template: string, account: PlaceholderSource): number {
  const content = { sha256: LONGEST_CONTENT, shard: '00', accountKey: '0'.repeat(16) };
  return Buffer.byteLength(expandKey(template, account, content));
}
