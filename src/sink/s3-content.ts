/**
 * Looks at a message's octets once before they are sent: whether they are what the message says, and the further digests
 * that some requests want. A store refuses a body that is not what was signed, but only after it was sent, and not every store.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { MailferryError } from '../errors/mailferry-error.ts';
import { type OctetRange, readContent } from '../message/content.ts';
import { LineEndCounter } from '../message/line-ends.ts';
import type { Message } from '../message/message.ts';
import { compareClaims } from './content-check.ts';
import type { ObjectContent } from './object-store.ts';

export interface ContentDigests {
  /** Base64; undefined where it was not asked for. */
  readonly md5: string | undefined;
  /** Base64 of the four octets, as checksums are written in S3. */
  readonly crc32: string;
}

/** @throws MailferryError `message-mismatch` or `message-unreadable` (scope message). */
export async function inspectContent(
  message: Message,
  wants: { readonly md5: boolean; readonly crc32: boolean },
): Promise<ContentDigests> {
  const sha256 = createHash('sha256');
  const md5 = wants.md5 ? createHash('md5') : undefined;
  const lineEnds = new LineEndCounter();
  let octets = 0;
  let crc = 0;
  for await (const chunk of readContent(message)) {
    sha256.update(chunk);
    md5?.update(chunk);
    lineEnds.push(chunk);
    octets += chunk.length;
    crc = wants.crc32 ? crc32(chunk, crc) : 0;
  }
  const mismatch =
    compareClaims(message, octets, lineEnds.lineEnds) ?? compareDigest(message, sha256.digest('hex'));
  if (mismatch !== undefined) {
    throw mismatch;
  }
  return { md5: md5?.digest('base64'), crc32: crc32Text(crc) };
}

export function crc32Text(value: number): string {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets.toString('base64');
}

/** The whole message as the body of a request. */
export function contentOf({ content, octets }: Message): ObjectContent {
  return content.kind === 'memory' ? content : { kind: 'file', path: content.path, start: 0, octets };
}

/** A part of a message as the body of a request. */
export function partOf({ content }: Message, { start, octets }: OctetRange): ObjectContent {
  return content.kind === 'memory'
    ? { kind: 'memory', buffer: content.buffer.subarray(start, start + octets) }
    : { kind: 'file', path: content.path, start, octets };
}

function compareDigest(message: Message, found: string): MailferryError | undefined {
  if (found === message.sha256) {
    return undefined;
  }
  return new MailferryError(`a message that says its SHA-256 is ${message.sha256} has ${found}`, {
    code: 'message-mismatch',
    scope: 'message',
    retry: 'later',
    hint: 'Its octets were changed between the server and the sink: look at the memory and the disk of this machine.',
  });
}
