import { expect, it } from 'vitest';
import { MessageCutter } from './message-cutter.ts';

const STREAM = '+OK 1\r\nSubject: a\r\n\r\n..dot\r\nend\r\n.\r\n+OK 2\r\nb\r\n.\r\n+OK bye\r\n';
const MESSAGES = ['Subject: a\n\n.dot\nend\n', 'b\n'];

it.each([1, 2, 3, 5, 1000])('whole messages are cut out of a stream that comes in pieces of %d', (size) => {
  const [keeping, counting] = [new MessageCutter(true), new MessageCutter(false)];
  for (let at = 0; at < STREAM.length; at += size) {
    for (const cutter of [keeping, counting]) cutter.push(Buffer.from(STREAM.slice(at, at + size)));
  }
  expect(keeping.take().map(String)).toEqual(MESSAGES);
  expect([counting.count, counting.take()]).toEqual([2, []]);
});
