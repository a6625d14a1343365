/**
 * Reads a text file that a person wrote: bounded, strictly UTF-8. Must not know what the text means.
 */
import { createReadStream } from 'node:fs';
import { systemCodeOf, textOf } from '../errors/mailferry-error.ts';

export type TextFile =
  | { readonly kind: 'text'; readonly text: string }
  /** `text` says why, to follow a file's name: "does not exist". */
  | { readonly kind: 'unreadable'; readonly text: string };

/** @returns the text without its byte order mark, or why it cannot be had. Never throws for what is on the disk. */
export async function readTextFile(path: string, maxOctets: number): Promise<TextFile> {
  let octets: Buffer | undefined;
  try {
    octets = await readAtMost(path, maxOctets);
  } catch (thrown) {
    return { kind: 'unreadable', text: reasonOf(thrown) };
  }
  if (octets === undefined) {
    return { kind: 'unreadable', text: `is larger than ${maxOctets} octets, which is the limit` };
  }
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(octets) };
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw thrown;
    }
    return { kind: 'unreadable', text: 'is not UTF-8; save it as UTF-8' };
  }
}

/** Reads as a stream: the length that a pipe or a growing file tells cannot be believed. */
async function readAtMost(path: string, maxOctets: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // A stream without an encoding gives Buffers; its declared type cannot say so.
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxOctets) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Why the system refused, in words; for codes that need no words of ours, the system's. */
export function reasonOf(thrown: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'does not exist',
    EACCES: 'may not be read by this user',
    EISDIR: 'is a folder; expected a file',
    ENOTDIR: 'does not exist: a part of its path is not a folder',
  };
  return reasons[systemCodeOf(thrown) ?? ''] ?? `cannot be read: ${textOf(thrown)}`;
}
