import { expect, it } from 'vitest';
import { fetchUniqueIds, openSession } from '../references/pop3-session.ts';
import { openGeneratedMaildrop } from './generated-maildrop.ts';
import { generatedMessage, generatedUniqueId, MESSAGE_OCTETS } from './generated-message.ts';

const LOGIN = { user: 'anybody', password: 'anything' };

it('generated messages have one size, whole lines, and differ', () => {
  const messages = [1, 2, 1_000_000].map(generatedMessage);
  expect(messages.map(({ length }) => length)).toEqual([MESSAGE_OCTETS, MESSAGE_OCTETS, MESSAGE_OCTETS]);
  expect(new Set(messages).size).toBe(3);
  for (const message of messages) expect(message).not.toMatch(/\r(?!\n)|(?<!\r)\n|\n\.|^From |\nFrom /);
});

it('a generated maildrop lists as many unique-ids as it was opened with, all of them other ones', async () => {
  await using server = await openGeneratedMaildrop(20_000);
  const uniqueIds = await fetchUniqueIds({ ...LOGIN, host: server.host, port: server.port });
  expect(uniqueIds).toHaveLength(20_000);
  expect(new Set(uniqueIds).size).toBe(20_000);
  expect(uniqueIds.at(-1)).toBe(generatedUniqueId(20_000));
});

it('a generated maildrop answers commands that are sent ahead in their order', async () => {
  await using server = await openGeneratedMaildrop(3);
  const socket = await openSession({ ...LOGIN, host: server.host, port: server.port });
  socket.write('RETR 3\r\nRETR 1\r\nQUIT\r\n');
  let said = '';
  for await (const chunk of socket) said += String(chunk);
  const message = (number: number) => `+OK 512 octets\r\n${generatedMessage(number)}.\r\n`;
  expect(said).toBe(`+OK ready\r\n+OK\r\n+OK\r\n${message(3)}${message(1)}+OK\r\n`);
});
