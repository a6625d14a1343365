/**
 * Keys, locations and metadata of objects: what follows from an account and a digest, and nothing that tells a person's
 * address or a subject to whoever may list the bucket. Pure.
 */
import { hash } from 'node:crypto';
import type { StorableMessage } from '../sink.ts';
import type { ObjectName } from './object-store.ts';

/** 64 bits: among a million accounts two meet once in 37 million times. */
const ACCOUNT_DIGITS = 16;
const SHARD_DIGITS = 2;
const FORMAT_VERSION = '1';
/** All metadata of an object may have 2 KB; a UIDL of 70 octets (RFC 1939 §7), encoded, has 210 at most. */
const MAX_UIDL_CHARACTERS = 512;

/** What an account is called in keys and metadata: the same for ever, and not its address. Not a secret: who knows the address can compute it. */
export function accountKeyOf(accountId: string): string {
  return hash('sha256', JSON.stringify(['mailferry-account', accountId]), 'hex').slice(0, ACCOUNT_DIGITS);
}

/** Two hex digits that spread the objects of one account over 256 prefixes. */
export function shardOf(sha256: string): string {
  return sha256.slice(0, SHARD_DIGITS);
}

/** What a key says of a message. */
export interface Content {
  /** 64 hex digits. */
  readonly sha256: string;
  readonly copy: number;
  /** How many damaged objects of this message stand in the way, each under a key of its own. */
  readonly generation?: number;
}

/** The digest, for further copies of an equal message their number, and the generation: `<sha256>`, `<sha256>-1`, `<sha256>-1.2`. */
export function contentName({ sha256, copy, generation = 0 }: Content): string {
  return `${sha256}${copy === 0 ? '' : `-${copy}`}${generation === 0 ? '' : `.${generation}`}`;
}

/**
 * The key of an account's messages with `{shard}` and `{sha256}` where the message decides. All else stands for itself, with
 * `%`, `{`, `}`, `?` and `#` percent-encoded, so that it can be part of a URL.
 */
export type KeyPattern = string;

export function defaultPattern(accountKey: string): KeyPattern {
  return `mail/{shard}/${accountKey}/{sha256}.eml`;
}

const PATTERN_TOKEN = /(\{shard\}|\{sha256\})/;

export function encodeLiteral(text: string): string {
  return text.replace(/[%{}?#]/g, encodeURIComponent);
}

function decodeLiteral(text: string): string {
  return text.replace(/%(25|7B|7D|3F|23)/g, decodeURIComponent);
}

export function keyOf(pattern: KeyPattern, content: Content): string {
  return fillPattern(pattern, decodeLiteral, shardOf(content.sha256), contentName(content));
}

function fillPattern(
  pattern: KeyPattern,
  literal: (text: string) => string,
  shard: string,
  name: string,
): string {
  const parts = pattern.split(PATTERN_TOKEN);
  return parts
    .map((part) => (part === '{shard}' ? shard : part === '{sha256}' ? name : literal(part)))
    .join('');
}

/** What a key of this account says; undefined where it is none. */
export function contentOf(pattern: KeyPattern, key: string): Content | undefined {
  const literal = (text: string): string => decodeLiteral(text).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const name = '([0-9a-f]{64})(?:-([1-9]\\d*))?(?:\\.([1-9]\\d*))?';
  const [, sha256, copy = 0, generation = 0] =
    new RegExp(`^${fillPattern(pattern, literal, '[0-9a-f]{2}', name)}$`, 's').exec(key) ?? [];
  if (sha256 === undefined) {
    return undefined;
  }
  const content = { sha256, copy: Number(copy), generation: Number(generation) };
  return keyOf(pattern, content) === key ? content : undefined;
}

/** Where an account's messages lie in a bucket. */
export interface KeyPlaces {
  /** All keys of the account begin with one of these. */
  readonly prefixes: readonly string[];
  /** Whether what else begins so is in the account's own folder, and nobody else's. */
  readonly isOwnFolder: boolean;
}

/** Hex digits in front of the account make 256 places of one; behind it they are part of the name. */
export function placesOf(pattern: KeyPattern): KeyPlaces {
  const at = pattern.indexOf('{sha256}');
  const head = at === -1 ? pattern : pattern.slice(0, at);
  const tail = pattern.slice(head.length);
  const [beforeShard = '', ...behindShard] = head.split('{shard}');
  const isShardLast = !/[^/]/.test(behindShard.join(''));
  const prefixes =
    behindShard.length === 0 || isShardLast
      ? [decodeLiteral(beforeShard)]
      : SHARDS.map((shard) => fillPattern(head, decodeLiteral, shard, ''));
  const isOwnFolder = /^\{sha256\}(\.(eml|msg|txt))?$/.test(tail) && /\/$/.test(prefixes[0] ?? '');
  return { prefixes, isOwnFolder };
}

const SHARDS = Array.from({ length: 256 }, (_, number) => number.toString(16).padStart(SHARD_DIGITS, '0'));

/** How an archive is called in receipts: it tells all that must be known to find the account's objects again. */
export function formatRoot(bucket: string, pattern: KeyPattern): string {
  return `s3://${bucket}/${pattern}`;
}

/** The pattern of a root; undefined where it is none of ours. */
export function parseRoot(root: string): KeyPattern | undefined {
  return /^s3:\/\/[^/]+\/(.*\{sha256\}.*)$/s.exec(root)?.[1];
}

/** A receipt's location: the key, and the version where the store gave one, in the notation of URLs. */
export function formatLocation({ key, versionId }: ObjectName): string {
  const path = key.replace(/[%?#]/g, encodeURIComponent);
  return versionId === undefined ? path : `${path}?versionId=${encodeURIComponent(versionId)}`;
}

export function parseLocation(location: string): ObjectName {
  const [path = '', version] = location.split('?versionId=');
  return {
    key: decodeURIComponent(path.replace(/%(?!25|3F|23)/g, '%25')),
    versionId: version === undefined ? undefined : decodeURIComponent(version),
  };
}

/** User metadata: what the octets are, whose, and under which unique-id they came first. */
export function metadataOf(
  accountKey: string,
  { uidl, copy, message }: StorableMessage,
): Record<string, string> {
  return {
    'mailferry-format': FORMAT_VERSION,
    'mailferry-account': accountKey,
    'mailferry-sha256': message.sha256,
    'mailferry-octets': String(message.octets),
    'mailferry-uidl': encodeUidl(uidl),
    ...(copy === 0 ? {} : { 'mailferry-copy': String(copy) }),
  };
}

/** Percent-encoded octets (RFC 3986 §2.1), so that it can be read back; one that is too long is named by its digest. */
export function encodeUidl(uidl: string): string {
  const encoded = uidl.replace(/[^A-Za-z0-9._~-]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  return encoded.length <= MAX_UIDL_CHARACTERS
    ? encoded
    : `%sha256:${hash('sha256', Buffer.from(uidl, 'latin1'), 'hex')}`;
}
