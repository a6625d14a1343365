/**
 * Going once through the octets of a large message, in large pieces. Those of a file are read into one Buffer over and over, so that it
 * costs neither memory nor the collector anything. For pieces that are kept there is content.ts.
 */
import { open } from 'node:fs/promises';
import { unreadable } from './content.ts';
import type { LargeContent } from './message.ts';

const PIECE_OCTETS = 1024 * 1024;

/**
 * The octets in order. Each piece is good until the next is asked for; do not write to it. How many octets came is for the caller to
 * compare.
 * @throws MailferryError `message-unreadable` (scope message)
 */
export function readPieces(content: LargeContent): AsyncIterable<Buffer> | Iterable<Buffer> {
  return content.kind === 'pages' ? content.pages.views() : readFile(content.path);
}

async function* readFile(path: string): AsyncGenerator<Buffer> {
  const file = await open(path).catch(rethrown);
  try {
    const { size } = await file.stat().catch(rethrown);
    const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(size, PIECE_OCTETS)));
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length).catch(rethrown);
      if (bytesRead === 0) {
        return;
      }
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

function rethrown(thrown: unknown): never {
  throw unreadable(thrown);
}
