/**
 * Hands messages to a server's LMTP socket (RFC 2033), one after the other over one connection. LF becomes CRLF on the way, as
 * LMTP has no other lines. Must not know which server it is.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Gives how many the server took; it may refuse what is no mail for it. Throws where the conversation fails. */
export async function deliverByLmtp(
  socketPath: string,
  user: string,
  messages: Iterable<Uint8Array>,
): Promise<number> {
  const socket = createConnection(socketPath);
  await once(socket, 'connect');
  try {
    return await talk(socket, user, messages);
  } finally {
    socket.destroy();
  }
}

async function talk(socket: Socket, user: string, messages: Iterable<Uint8Array>): Promise<number> {
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  /** The last line of an answer has a blank behind its code (RFC 5321 §4.2.1). */
  const answer = async (): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the LMTP server closed the connection');
      if (!/^\d{3}-/.test(value)) return value;
    }
  };
  const expect = async (code: string): Promise<void> => {
    const line = await answer();
    if (!line.startsWith(code)) throw new Error(`LMTP: expected ${code}, got ${line}`);
  };
  await expect('220');
  socket.write('LHLO localhost\r\n');
  await expect('250');
  let taken = 0;
  for (const octets of messages) {
    socket.write(`MAIL FROM:<sender@example.test>\r\nRCPT TO:<${user}>\r\nDATA\r\n`);
    for (const code of ['250', '250', '354']) await expect(code);
    socket.write(asData(octets));
    if ((await answer()).startsWith('250')) taken += 1;
  }
  return taken;
}

/** With CRLF, dots stuffed, and the lone dot at the end. */
function asData(octets: Uint8Array): Buffer {
  const crlf = Buffer.from(octets)
    .toString('latin1')
    .replace(/(?<!\r)\n/g, '\r\n');
  const whole = crlf.endsWith('\r\n') ? crlf : `${crlf}\r\n`;
  return Buffer.from(`${whole.replace(/(^|\r\n)\./g, '$1..')}.\r\n`, 'latin1');
}
