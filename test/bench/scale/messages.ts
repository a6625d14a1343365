/** From a thousand to a million messages in one maildrop, which are generated: neither disk nor memory of the server is the limit. */
import { join } from 'node:path';
import type { Stored } from '../contender.ts';
import { mailferry } from '../contenders/mailferry.ts';
import { roomFor } from '../ground/room.ts';
import { describeCompleteness, digestOf, fillOf } from '../mail/completeness.ts';
import { measure } from '../measure.ts';
import { openGeneratedMaildrop } from '../servers/generated-maildrop.ts';
import { generatedMessage, MESSAGE_OCTETS } from '../servers/generated-message.ts';
import type { Scale } from './scale.ts';
import { sizesUpTo } from './sizes.ts';

const SMALLEST = 1000;
const LARGEST = 1_000_000;

export function messagesScale(largest = LARGEST): Scale {
  return {
    scale: 'messages',
    title: `messages of ${MESSAGE_OCTETS} octets in one maildrop, mbox, clear text`,
    messagesPerUnit: 1,
    sizes: sizesUpTo(SMALLEST, largest),
    users: [],
    async open(_, size) {
      const server = await openGeneratedMaildrop(size);
      const { host, port } = server;
      return {
        room: roomFor([{ messages: size, octets: size * MESSAGE_OCTETS }], 'mbox'),
        run(folder) {
          const address = { host, port, caPath: '', user: 'scale', password: 'scale' };
          const usual = { store: 'mbox', security: 'plaintext', isOnlyNew: true } as const;
          return measure(mailferry.program, mailferry.prepare({ folder, ...address, ...usual }));
        },
        describeCompleteness: (folder) => describeCompleteness(digestsOf(size), storedIn(folder)),
        fillOf: (folder) => fillOf(storedIn(folder)),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
}

function storedIn(folder: string): Stored {
  return { path: join(folder, 'target'), form: 'mbox' };
}

/** As an mbox keeps the messages. */
function digestsOf(messages: number): string[] {
  return Array.from({ length: messages }, (_, index) =>
    digestOf(Buffer.from(generatedMessage(index + 1).replaceAll('\r\n', '\n'), 'latin1')),
  );
}
