/**
 * Header blocks by TOP, pipelined: a hint for rules and recognition, never a source of archived octets (RFC 1939 §7).
 */
import type { Pop3Client } from '../pop3/client.ts';
import { RefusedError } from '../pop3/errors.ts';
import type { ListedMessage } from './listed-message.ts';

/** How many TOPs are asked together; the command window bounds how many are in flight. */
const GROUP = 64;

/** Yields each message with its header, or undefined where the server refuses TOP. */
export async function* readHeaders<Message extends ListedMessage>(
  client: Pop3Client,
  messages: readonly Message[],
): AsyncGenerator<{ message: Message; header: Buffer | undefined }> {
  for (let start = 0; start < messages.length; start += GROUP) {
    const group = messages.slice(start, start + GROUP);
    yield* await Promise.all(
      group.map(async (message) => ({ message, header: await headerOf(client, message.number) })),
    );
  }
}

async function headerOf(client: Pop3Client, number: number): Promise<Buffer | undefined> {
  try {
    return await client.top(number, 0);
  } catch (cause) {
    if (cause instanceof RefusedError) {
      return undefined;
    }
    throw cause;
  }
}
