/**
 * Sink paths with placeholders. What an account is called must never decide where its mail goes beyond one path component:
 * ids and user names come from CSV files and directories that strangers fill. Pure; must not know a sink.
 *
 * There is no `{date}`: the same account must come to the same path in every run, or its mail is archived again.
 */
import { createHash } from 'node:crypto';
import { sep } from 'node:path';
import type { PathTemplate } from './job.ts';

/** What a path may depend on: the parts of an account that do not change between runs. */
export interface PlaceholderSource {
  readonly id: string;
  readonly host: string;
  readonly user: string;
}

const VALUE_OF: ReadonlyMap<string, (account: PlaceholderSource) => string> = new Map([
  ['account', (account) => account.id],
  ['user', (account) => account.user],
  ['host', (account) => account.host],
  // What follows the last @ of the user; a user without one belongs to its host.
  ['domain', (account) => /@([^@]*)$/.exec(account.user)?.[1] || account.host],
]);

export const PLACEHOLDERS: readonly string[] = [...VALUE_OF.keys()];

/** A path component may have 255 octets in every usual file system; this leaves room for what a path adds around a value. */
export const MAX_VALUE_OCTETS = 200;

const TOKEN = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

/**
 * Fills the placeholders. Each value becomes (a part of) one path component, see `encodePathPart`; `{{` and `}}` become
 * braces. An unknown placeholder stays as it stands: `templateFaults` has refused it before.
 */
export function expandPath(template: PathTemplate, account: PlaceholderSource): string {
  return template.text.replace(TOKEN, (token: string, name: string | undefined) => {
    if (token === '{{' || token === '}}') {
      return token.charAt(0);
    }
    const value = VALUE_OF.get(name ?? '')?.(account);
    return value === undefined ? token : encodePathPart(value);
  });
}

/** What is wrong with a template, as texts; empty where nothing is. */
export function templateFaults(text: string): string[] {
  const faults: string[] = [];
  for (const [token, name] of text.matchAll(TOKEN)) {
    if (name !== undefined && !VALUE_OF.has(name)) {
      faults.push(
        `unknown placeholder {${name}}; known are ${PLACEHOLDERS.map((known) => `{${known}}`).join(', ')}`,
      );
    } else if (token === '{' || token === '}') {
      faults.push(`a lone "${token}"; write "${token}${token}" for a brace in the path`);
    }
  }
  return faults;
}

/** Makes a fixed path part of a template: its braces stand for themselves. */
export function escapeBraces(path: string): string {
  return path.replace(/[{}]/g, '$&$&');
}

/**
 * What may stand in a component but not everywhere: control and invisible characters, what some file system or shell
 * treats specially, and halves of surrogate pairs, which all come out as the same octets. The list is fixed, since a class of
 * Unicode's grows with each Node, and then a path would change.
 */
const ALWAYS_ENCODED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  /[\u0000-\u001f\u007f-\u009f%/\\<>:"|?*\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu;

/** What needs no work: a short cut for the ten thousand addresses of a large job. */
const ORDINARY = /^[A-Za-z0-9_@+-][A-Za-z0-9_@+.-]{0,100}(?<!\.)$/;

/**
 * Any text as (a part of) one path component: no separator, no control character, no dot in front, no dot or space at the
 * end, at most `MAX_VALUE_OCTETS` in UTF-8, and never the same for two different texts. Ordinary addresses stay as they are
 * (`alice@example.net`); the rest is percent-encoded as in RFC 3986 §2.1, so that it can be read back. What is too long keeps
 * its beginning, followed by `%~` and the SHA-256 of the whole.
 */
export function encodePathPart(value: string): string {
  if (ORDINARY.test(value)) {
    return value;
  }
  // '%' alone comes out of no other text: a percent sign is always followed by two hex digits, 'u' or '~'.
  const encoded = value
    .replace(ALWAYS_ENCODED, encodeCharacter)
    .replace(/^[. ]/, encodeCharacter)
    .replace(/[. ]$/, encodeCharacter)
    .replace(/^$/, '%');
  return Buffer.byteLength(encoded) <= MAX_VALUE_OCTETS ? encoded : shorten(encoded);
}

function encodeCharacter(character: string): string {
  if (/\p{Cs}/u.test(character)) {
    return `%u${character.charCodeAt(0).toString(16).toUpperCase()}`;
  }
  return [...Buffer.from(character)]
    .map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

function shorten(encoded: string): string {
  const digest = createHash('sha256').update(encoded).digest('hex');
  const room = MAX_VALUE_OCTETS - digest.length - '%~'.length;
  let start = '';
  for (const [piece] of encoded.matchAll(/%u[0-9A-F]{4}|%[0-9A-F]{2}|./gsu)) {
    if (Buffer.byteLength(start) + Buffer.byteLength(piece) > room) {
      break;
    }
    start += piece;
  }
  return `${start}%~${digest}`;
}

/** The longest component of a path, in octets of UTF-8. */
export function longestComponentOctets(path: string): number {
  return Math.max(...path.split(sep).map((component) => Buffer.byteLength(component)));
}
