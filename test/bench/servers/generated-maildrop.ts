/**
 * A POP3 server with one maildrop of as many messages as are asked for, each made when it is asked for: memory does not grow with their number, and no disk
 * is read. Any user and password will do. Nothing can be deleted. Must not use any code of the product.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { generatedMessage, generatedUniqueId, MESSAGE_OCTETS } from './generated-message.ts';

const HOST = '127.0.0.1';
const FLUSH_OCTETS = 65_536;
const CAPABILITIES = ['+OK', 'USER', 'UIDL', 'TOP', 'PIPELINING', 'RESP-CODES', '.'].join('\r\n');

/** Must be disposed of, which ends its sessions. */
export async function openGeneratedMaildrop(messages: number): Promise<GeneratedMaildrop> {
  const server = createServer({ noDelay: true });
  server.listen({ host: HOST, port: 0 });
  await once(server, 'listening');
  return new GeneratedMaildrop(server, messages);
}

export class GeneratedMaildrop implements AsyncDisposable {
  readonly host = HOST;
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** Use openGeneratedMaildrop. */
  constructor(server: Server, messages: number) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the maildrop has no port');
    this.port = address.port;
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      void new Session(socket, messages).serve().catch(() => socket.destroy());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

class Session {
  readonly #socket: Socket;
  readonly #messages: number;
  /** What is said next; written in large pieces. */
  #said = '';

  constructor(socket: Socket, messages: number) {
    this.#socket = socket;
    this.#messages = messages;
  }

  async serve(): Promise<void> {
    this.#said = '+OK ready\r\n';
    await this.#flush();
    let left = '';
    for await (const chunk of this.#socket) {
      const lines = `${left}${String(chunk)}`.split('\r\n');
      left = lines.pop() ?? '';
      for (const line of lines) await this.#answer(line);
      await this.#flush();
    }
  }

  async #answer(line: string): Promise<void> {
    const [word = '', argument] = line.split(' ');
    switch (word.toUpperCase()) {
      case 'CAPA':
        return await this.#say(CAPABILITIES);
      case 'STAT':
        return await this.#say(`+OK ${this.#messages} ${this.#messages * MESSAGE_OCTETS}`);
      case 'LIST':
        return await this.#list(argument, () => String(MESSAGE_OCTETS));
      case 'UIDL':
        return await this.#list(argument, generatedUniqueId);
      case 'RETR':
        return await this.#say(`+OK ${MESSAGE_OCTETS} octets\r\n${generatedMessage(Number(argument))}.`);
      // The whole message will do: its header is what is looked at.
      case 'TOP':
        return await this.#say(`+OK\r\n${generatedMessage(Number(argument))}.`);
      case 'USER':
      case 'PASS':
      case 'NOOP':
        return await this.#say('+OK');
      case 'QUIT':
        await this.#say('+OK');
        await this.#flush();
        this.#socket.end();
        return;
      default:
        return await this.#say('-ERR not known');
    }
  }

  async #list(argument: string | undefined, tell: (number: number) => string): Promise<void> {
    if (argument !== undefined) return await this.#say(`+OK ${argument} ${tell(Number(argument))}`);
    await this.#say('+OK');
    for (let number = 1; number <= this.#messages; number++) await this.#say(`${number} ${tell(number)}`);
    await this.#say('.');
  }

  async #say(line: string): Promise<void> {
    this.#said += `${line}\r\n`;
    if (this.#said.length >= FLUSH_OCTETS) await this.#flush();
  }

  async #flush(): Promise<void> {
    const isTaken = this.#socket.write(this.#said, 'latin1');
    this.#said = '';
    if (!isTaken) await once(this.#socket, 'drain');
  }
}
