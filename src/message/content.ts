/**
 * Reading the octets of a message, wherever they are, in pieces of bounded size. It must not know what they are read for.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { MailferryError } from '../errors/mailferry-error.ts';
import type { Message } from './message.ts';
import type { OctetRange } from './octet-range.ts';

/** The largest chunk that `readContent` gives. */
export const CHUNK_OCTETS = 256 * 1024;

/**
 * The wire octets in order, or a range of them. Chunks may be kept; do not write to them, since those of a message in memory are views.
 * @throws MailferryError `message-unreadable` (scope message) where the spool file cannot be read. How many octets came is
 * for the caller to compare.
 */
export async function* readContent(
  { content }: Pick<Message, 'content'>,
  range?: OctetRange,
): AsyncGenerator<Buffer> {
  if (range?.octets === 0) {
    return;
  }
  if (content.kind === 'memory') {
    const { start, octets } = range ?? { start: 0, octets: content.buffer.length };
    yield* chunksOf(content.buffer.subarray(start, start + octets));
    return;
  }
  if (content.kind === 'pages') {
    for (const view of content.pages.views(range)) {
      for (const chunk of chunksOf(view)) {
        // A copy: the pages may have another message before whoever keeps the chunk has done with it.
        yield Buffer.from(chunk);
      }
    }
    return;
  }
  // `end` of a stream is its last octet, inclusive.
  const bounds = range === undefined ? {} : { start: range.start, end: range.start + range.octets - 1 };
  try {
    yield* createReadStream(content.path, { highWaterMark: CHUNK_OCTETS, ...bounds });
  } catch (thrown) {
    throw unreadable(thrown);
  }
}

function* chunksOf(octets: Buffer): Generator<Buffer> {
  for (let at = 0; at < octets.length; at += CHUNK_OCTETS) {
    yield octets.subarray(at, at + CHUNK_OCTETS);
  }
}

/** The first octets of a message, at most `limit`: enough for its header. @throws as `readContent` does. */
export async function readHead(
  { content, octets }: Pick<Message, 'content' | 'octets'>,
  limit: number,
): Promise<Buffer> {
  if (content.kind === 'memory') {
    return content.buffer.subarray(0, limit);
  }
  if (content.kind === 'pages') {
    return Buffer.concat([...content.pages.views({ start: 0, octets: Math.min(limit, octets) })]);
  }
  try {
    const file = await open(content.path);
    try {
      return await readUpTo(file, limit);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw unreadable(thrown);
  }
}

async function readUpTo(file: Awaited<ReturnType<typeof open>>, limit: number): Promise<Buffer> {
  const size = Math.min(limit, (await file.stat()).size);
  const target = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(target, length, size - length, length);
    if (bytesRead === 0) {
      break;
    }
    length += bytesRead;
  }
  return target.subarray(0, length);
}

/** A spool file that cannot be read. */
export function unreadable(cause: unknown): MailferryError {
  return new MailferryError('the octets of a fetched message cannot be read from its spool file', {
    code: 'message-unreadable',
    scope: 'message',
    retry: 'later',
    hint: 'Look at the disk that holds the state folder; the next run fetches the message again.',
    cause,
  });
}
