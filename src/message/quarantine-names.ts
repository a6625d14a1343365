/**
 * The names of what is kept in quarantine. Account and unique-id are somebody else's text: no name can leave its folder, be
 * hidden, be too long, or meet that of another message.
 *
 * `<account>-<digest>/<unique-id>-<digest>.<time>.part` and the same with `.json`; a later attempt has a later time.
 */
import { hash } from 'node:crypto';

/** A message as quarantine knows it: the same at each attempt. */
export interface FailedIdentity {
  readonly account: string;
  /** As the server gave it, one character per octet; may be anything. */
  readonly uidl: string;
  readonly listedOctets: number | null;
}

/** Where all of it is, inside the job's state folder. */
export const QUARANTINE_FOLDER = 'quarantine';

export const PART_SUFFIX = '.part';
export const NOTE_SUFFIX = '.json';
/** A note that is being written: worth nothing after a crash. */
export const NEW_SUFFIX = '.new';

/** Characters of an account or a unique-id that a person recognises it by; the digest tells them apart. */
const READABLE = 40;
const DIGITS = 16;
const TIME_DIGITS = 15;
const FILE_NAME = /^(.+-[0-9a-f]{16})\.([0-9]{15})\.(part|json|json\.new)$/;

export function folderNameOf(account: string): string {
  return safeName(account, [account]);
}

/** What all files of one message begin with. */
export function keyOf({ account, uidl, listedOctets }: FailedIdentity): string {
  return safeName(uidl, [account, uidl, listedOctets]);
}

export function stemOf(key: string, atMs: number): string {
  return `${key}.${String(Math.max(0, Math.trunc(atMs))).padStart(TIME_DIGITS, '0')}`;
}

export interface ParsedName {
  readonly key: string;
  readonly stem: string;
  readonly kind: 'part' | 'json' | 'json.new';
}

/** @returns undefined for a name that is not ours. */
export function parseName(name: string): ParsedName | undefined {
  const [, key, time, kind] = FILE_NAME.exec(name) ?? [];
  return key === undefined ||
    time === undefined ||
    (kind !== 'part' && kind !== 'json' && kind !== 'json.new')
    ? undefined
    : { key, stem: `${key}.${time}`, kind };
}

function safeName(text: string, identity: readonly (string | number | null)[]): string {
  const readable = text.slice(0, READABLE).replace(/[^A-Za-z0-9@_-]/g, '_');
  // JSON keeps the parts apart and is well-formed for any string, lone surrogates included.
  return `${readable === '' ? '_' : readable}-${hash('sha256', JSON.stringify(identity), 'hex').slice(0, DIGITS)}`;
}
