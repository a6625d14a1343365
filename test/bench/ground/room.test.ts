import { expect, it } from 'vitest';
import { imageMebibytesFor, roomFor } from './room.ts';

const MEBIBYTES_PER_GIBIBYTE = 1024;
/** Above it the journal is larger. */
const LARGEST_GIBIBYTES = 16;

it.each([
  ['10,000 messages of 4 KB', roomFor([{ messages: 10_000, octets: 41e6 }], 'maildir')],
  ['20 messages of 25 MB', roomFor([{ messages: 20, octets: 500e6 }], 'mbox')],
  ['a thousand accounts', roomFor(Array(1000).fill({ messages: 10, octets: 40_960 }), 'maildir')],
  ['a million messages in one mbox', roomFor([{ messages: 1e6, octets: 512e6 }], 'mbox')],
])('%s fit twice into a file system whose journal is that of an empty one', (_, room) => {
  const mebibytes = imageMebibytesFor(room);
  expect(mebibytes * 2 ** 20).toBeGreaterThan(2 * room.octets + 2 ** 31);
  expect(mebibytes).toBeLessThan(LARGEST_GIBIBYTES * MEBIBYTES_PER_GIBIBYTE);
});

it('each file of a Maildir has an inode, of which there is one for every 16 KiB', () => {
  const room = roomFor([{ messages: 1e6, octets: 1e6 }], 'maildir');
  expect((imageMebibytesFor(room) * 2 ** 20) / 16_384).toBeGreaterThan(room.messages);
});

it('room for nothing is room for the state', () => {
  expect(imageMebibytesFor(roomFor([], 'maildir'))).toBe(2048);
});
