/**
 * What came of a message that did not come whole, or that no sink would take: its first and its last octets within a limit,
 * for inspection. It is no message and must never be taken for one.
 */
import { createReadStream } from 'node:fs';
import type { Message } from './message.ts';
import type { PagedOctets } from './pages.ts';

export interface ReceivedPart {
  /** Octets that came in all. */
  readonly octets: number;
  /** All of them, or the first. */
  readonly head: Buffer;
  /** The last ones, where they are too many to be kept; they do not overlap with `head`. */
  readonly tail: Buffer;
}

export const NOTHING_RECEIVED: ReceivedPart = { octets: 0, head: Buffer.alloc(0), tail: Buffer.alloc(0) };

/** A copy of at most `limitOctets`, so that what it is cut from can be freed. */
export function partOfBuffer(octets: Buffer, limitOctets: number): ReceivedPart {
  const { headOctets, tailOctets } = shares(octets.length, limitOctets);
  return {
    octets: octets.length,
    head: Buffer.from(octets.subarray(0, headOctets)),
    tail: Buffer.from(octets.subarray(octets.length - tailOctets)),
  };
}

/** The same of a message that came whole. @throws what the file system threw. */
export async function partOfMessage(
  { content, octets }: Message,
  limitOctets: number,
): Promise<ReceivedPart> {
  switch (content.kind) {
    case 'memory':
      return partOfBuffer(content.buffer, limitOctets);
    case 'pages':
      return partOfPages(content.pages, octets, limitOctets);
    case 'spool':
      return await partOfFile(content.path, octets, limitOctets);
  }
}

/** The same of octets in pages, a copy too. @param octets how many there are */
export function partOfPages(pages: PagedOctets, octets: number, limitOctets: number): ReceivedPart {
  const { headOctets, tailOctets } = shares(octets, limitOctets);
  return {
    octets,
    head: Buffer.concat([...pages.views({ start: 0, octets: headOctets })]),
    tail: Buffer.concat([...pages.views({ start: octets - tailOctets, octets: tailOctets })]),
  };
}

/** The same of a file whose first `octets` octets count. @throws what the file system threw. */
export async function partOfFile(path: string, octets: number, limitOctets: number): Promise<ReceivedPart> {
  const { headOctets, tailOctets } = shares(octets, limitOctets);
  return {
    octets,
    head: await readRange(path, 0, headOctets),
    tail: await readRange(path, octets - tailOctets, tailOctets),
  };
}

function shares(octets: number, limitOctets: number): { headOctets: number; tailOctets: number } {
  if (octets <= limitOctets) {
    return { headOctets: octets, tailOctets: 0 };
  }
  const headOctets = Math.ceil(limitOctets / 2);
  return { headOctets, tailOctets: limitOctets - headOctets };
}

async function readRange(path: string, start: number, octets: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (octets > 0) {
    // `end` of a stream is its last octet, inclusive.
    for await (const chunk of createReadStream(path, { start, end: start + octets - 1 })) {
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks);
}
