/** From one account to a thousand, eight at a time. */
import { join } from 'node:path';
import { mailferryCrowd } from '../contenders/mailferry-crowd.ts';
import { roomFor } from '../ground/room.ts';
import { fillOf } from '../mail/completeness.ts';
import { describeCrowdCompleteness } from '../mail/crowd-completeness.ts';
import type { Mail } from '../mail/maildrops.ts';
import type { Scale } from './scale.ts';
import { sizesUpTo } from './sizes.ts';

const LARGEST = 1000;
const WIDTH = 8;
const MAIL: Mail = { word: '4k', messages: 10, sizes: { kind: 'fixed', octets: 4096 } };

export function accountsScale(largest = LARGEST): Scale {
  const sizes = sizesUpTo(1, largest);
  const users = Array.from({ length: sizes.at(-1) ?? 0 }, (_, index) => `scale${index}`);
  return {
    scale: 'accounts',
    title: `accounts of ${MAIL.messages} messages of 4 KB, ${WIDTH} at a time, Maildir, clear text`,
    messagesPerUnit: MAIL.messages,
    sizes,
    users,
    async open(bed, size) {
      const maildrops = await bed.maildrops(MAIL, users.slice(0, size));
      return {
        room: roomFor(maildrops, 'maildir'),
        async run(folder) {
          const setting = await bed.setting(folder, '');
          const width = Math.min(WIDTH, size);
          const { cost } = await bed.runCommand('node', mailferryCrowd(setting, users.slice(0, size), width));
          return cost;
        },
        describeCompleteness: (folder) =>
          describeCrowdCompleteness(maildrops, 'maildir', join(folder, 'target')),
        fillOf: (folder) =>
          maildrops
            .map(({ user }) => fillOf({ path: join(folder, 'target', user), form: 'maildir' }))
            .reduce((sum, count) => sum + count, 0),
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };
}
