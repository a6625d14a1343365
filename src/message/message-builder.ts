/**
 * Turns octets that are whole and in memory into a Message. Octets that come in chunks go through spool.ts.
 */
import { hash } from 'node:crypto';
import { headerDigest } from './header-block.ts';
import { countLineEnds } from './line-ends.ts';
import type { Message } from './message.ts';

/** Takes the Buffer over as it is: it must not be written to afterwards. */
export function messageFromBuffer(buffer: Buffer): Message {
  return {
    octets: buffer.length,
    sha256: hash('sha256', buffer, 'hex'),
    headerSha256: headerDigest(buffer),
    lineEnds: countLineEnds(buffer),
    content: { kind: 'memory', buffer },
  };
}
