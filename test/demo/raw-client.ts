/**
 * The plainest client there is: a socket whose octets a test writes and reads itself. It parses nothing, so that it can
 * neither hide a mistake of the server nor share one with the client in `src/pop3`.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export class RawClient {
  #socket: Socket;
  #received = '';
  #hasEnded = false;
  /** The code of the error that ended the connection, such as `ECONNRESET`. */
  errorCode: string | undefined;
  #changed: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  static async connectTls(port: number, authorityPem: string): Promise<RawClient> {
    const socket = connectTls({ port, host: '127.0.0.1', ca: authorityPem });
    const client = new RawClient(socket);
    await once(socket, 'secureConnect');
    return client;
  }

  /** Everything that has come and was not taken, latin1. */
  get received(): string {
    return this.#received;
  }

  /** Sends octets as they are: a test writes its CRLFs itself. */
  send(octets: string): void {
    this.#socket.write(Buffer.from(octets, 'latin1'));
  }

  /** Takes what has come up to and including `end`; waits for it. Throws where the connection ends first. */
  async readTo(end: string): Promise<string> {
    await this.#until(() => this.#received.includes(end), `"${end}"`);
    const length = this.#received.indexOf(end) + end.length;
    const taken = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return taken;
  }

  /** One line with its line end. */
  line(): Promise<string> {
    return this.readTo('\n');
  }

  /** Sends a command and takes the first line of its answer. */
  async ask(command: string): Promise<string> {
    this.send(`${command}\r\n`);
    return this.line();
  }

  /** Sends a command and takes its multi-line answer whole. */
  async askMany(command: string): Promise<string> {
    this.send(`${command}\r\n`);
    const status = await this.line();
    return status.startsWith('+OK') ? status + (await this.restOfAnswer()) : status;
  }

  /** Takes the rest of a multi-line answer, terminator included. */
  async restOfAnswer(): Promise<string> {
    await this.#until(
      () => this.#received.startsWith('.\r\n') || this.#received.includes('\r\n.\r\n'),
      'a terminator',
    );
    return this.#received.startsWith('.\r\n') ? this.readTo('.\r\n') : this.readTo('\r\n.\r\n');
  }

  async logIn(name: string, password: string): Promise<void> {
    await this.ask(`USER ${name}`);
    const answer = await this.ask(`PASS ${password}`);
    if (!answer.startsWith('+OK')) {
      throw new Error(`the login was refused: ${answer}`);
    }
  }

  /** Speaks TLS from here on. */
  async startTls(authorityPem: string): Promise<void> {
    this.#socket.removeAllListeners();
    const secure = connectTls({ socket: this.#socket, host: '127.0.0.1', ca: authorityPem });
    this.#socket = secure;
    this.#listen(secure);
    await once(secure, 'secureConnect');
  }

  /** Waits until the server has ended the connection, and gives what came before. */
  async readToEnd(): Promise<string> {
    await this.#until(() => this.#hasEnded, 'the end', true);
    return this.#received;
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#changed();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code;
    });
    socket.on('close', () => {
      this.#hasEnded = true;
      this.#changed();
    });
  }

  async #until(isSo: () => boolean, what: string, mayEnd = false): Promise<void> {
    while (!isSo()) {
      if (this.#hasEnded && !mayEnd) {
        throw new Error(
          `the connection ended (${this.errorCode ?? 'FIN'}) before ${what}; came: ${this.#received}`,
        );
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}
