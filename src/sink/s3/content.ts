/**
 * Looks at a message's octets once before they are sent: whether they are what the message says, and the further digests
 * that some requests want. A store refuses a body that is not what was signed, but only after it was sent, and not every store.
 */
import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { MailferryError } from '../../errors/mailferry-error.ts';
import { readContent } from '../../message/content.ts';
import { LineEndCounter } from '../../message/line-ends.ts';
import type { Message } from '../../message/message.ts';
import type { OctetRange } from '../../message/octet-range.ts';
import { compareClaims } from '../content-check.ts';
import type { ObjectContent } from './object-store.ts';

export interface ContentDigests {
  /** Undefined where it was not asked for. */
  readonly md5: Buffer | undefined;
  /** Base64 of the four octets, as checksums are written in S3. */
  readonly crc32: string;
}

interface Wants {
  readonly md5: boolean;
  readonly crc32: boolean;
}

/** @throws MailferryError `message-mismatch` or `message-unreadable` (scope message). */
export async function inspectContent(message: Message, wants: Wants): Promise<ContentDigests> {
  const { content } = message;
  const inspection = new Inspection(message, wants);
  if (content.kind === 'memory') {
    inspection.push(content.buffer);
  } else {
    for await (const chunk of readContent(message)) {
      inspection.push(chunk);
    }
  }
  return inspection.end();
}

class Inspection {
  readonly #message: Message;
  readonly #wants: Wants;
  readonly #sha256 = createHash('sha256');
  readonly #md5: Hash | undefined;
  readonly #lineEnds = new LineEndCounter();
  #octets = 0;
  #crc = 0;

  constructor(message: Message, wants: Wants) {
    this.#message = message;
    this.#wants = wants;
    this.#md5 = wants.md5 ? createHash('md5') : undefined;
  }

  push(chunk: Buffer): void {
    this.#sha256.update(chunk);
    this.#md5?.update(chunk);
    this.#lineEnds.push(chunk);
    this.#octets += chunk.length;
    this.#crc = this.#wants.crc32 ? crc32(chunk, this.#crc) : 0;
  }

  end(): ContentDigests {
    const mismatch =
      compareClaims(this.#message, this.#octets, this.#lineEnds.lineEnds) ??
      compareDigest(this.#message, this.#sha256.digest('hex'));
    if (mismatch !== undefined) {
      throw mismatch;
    }
    return { md5: this.#md5?.digest(), crc32: crc32Text(this.#crc) };
  }
}

export function crc32Text(value: number): string {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets.toString('base64');
}

/** A message as the body of a request, or a part of it. */
export function bodyOf(
  message: Message,
  range: OctetRange = { start: 0, octets: message.octets },
): ObjectContent {
  const { content } = message;
  return content.kind === 'memory'
    ? { kind: 'memory', buffer: content.buffer.subarray(range.start, range.start + range.octets) }
    : { kind: 'stream', read: () => readContent(message, range) };
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
