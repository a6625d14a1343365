/**
 * Turns octets that are whole and in memory into a Message. Octets that come in chunks go through spool.ts.
 */
import { hash } from 'node:crypto';
import { blockDigest, headerBlock } from './header-block.ts';
import { countLineEnds } from './line-ends.ts';
import type { Message } from './message.ts';

/** Takes the Buffer over as it is: it must not be written to afterwards. */
export function messageFromBuffer(buffer: Buffer): Message {
  const header = headerBlock(buffer);
  return {
    octets: buffer.length,
    sha256: hash('sha256', buffer, 'hex'),
    headerOctets: header.length,
    headerSha256: blockDigest(header),
    lineEnds: countLineEnds(buffer),
    content: { kind: 'memory', buffer },
  };
}
