/** A POP3 client of a few lines, for what the bench itself asks. Must not use any code of the product. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** PEM file of the authority to trust; undefined for clear text. */
  readonly caPath?: string | undefined;
}

const END_OF_LISTING = '\r\n.\r\n';

/** Connected, with the login sent ahead of the greeting; that and the two answers are still to be read from the socket. */
export async function openSession(login: Login): Promise<Socket> {
  const { host, port, caPath } = login;
  const socket =
    caPath === undefined
      ? createConnection({ host, port, noDelay: true })
      : connectTls({ host, port, ca: readFileSync(caPath), servername: 'localhost' });
  await once(socket, caPath === undefined ? 'connect' : 'secureConnect');
  socket.write(`USER ${login.user}\r\nPASS ${login.password}\r\n`);
  return socket;
}

/** The maildrop's unique-ids in the order of the listing. */
export async function fetchUniqueIds(login: Login): Promise<string[]> {
  const socket = await openSession(login);
  socket.write('UIDL\r\nQUIT\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('latin1');
  // Greeting, USER, PASS and the first line of UIDL come before the listing.
  const [, , , begin = ''] = text.split('\r\n', 4);
  const end = text.indexOf(END_OF_LISTING);
  if (!begin.startsWith('+OK') || end === -1)
    throw new Error(`UIDL was answered ${JSON.stringify(text.slice(0, 200))}`);
  const lines = text.slice(0, end).split('\r\n').slice(4);
  return lines.map((line) => line.slice(line.indexOf(' ') + 1));
}
