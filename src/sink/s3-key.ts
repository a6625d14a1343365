/**
 * Keys, locations and metadata of objects: what follows from an account and a digest, and nothing that tells a person's
 * address or a subject to whoever may list the bucket. Pure.
 */
import { hash } from 'node:crypto';
import type { ObjectName } from './object-store.ts';
import type { KeyParts } from './s3-options.ts';
import type { StorableMessage } from './sink.ts';

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

/** The digest, and for further copies of an equal message their number: `<sha256>`, `<sha256>-1`. */
export function contentName({ sha256, copy }: Pick<KeyParts, 'sha256' | 'copy'>): string {
  return copy === 0 ? sha256 : `${sha256}-${copy}`;
}

export function defaultKey(parts: KeyParts): string {
  return `mail/${shardOf(parts.sha256)}/${parts.accountKey}/${contentName(parts)}.eml`;
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
