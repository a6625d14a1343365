/**
 * The server's side of SCRAM (RFC 5802 §3), with channel binding, over a real TLS connection or a clear one. It shares no code
 * with the client: what both get wrong alike would not show.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Certificate } from '../../../src/demo/certificate.ts';

export interface ScramServerOptions {
  /** Undefined: a clear line. */
  readonly certificate?: Certificate;
  readonly tlsOptions?: tls.TlsOptions;
  /** What CAPA shows. */
  readonly announced: readonly string[];
  /** What it can in truth, where that is more than CAPA shows. */
  readonly hasPlus?: boolean;
  readonly password?: string;
  readonly iterations?: number;
  /** Changes a message of the server on its way: server-first, server-final, and what follows. */
  readonly tamper?: (message: string) => string;
  /** Answers +OK in place of its own proof. */
  readonly isUnproven?: boolean;
  /** Takes its binding from another line than the client's, as where somebody is in between. */
  readonly isElsewhere?: boolean;
  /** Refuses -PLUS after the proof, right or wrong, with this. */
  readonly refusesPlusProof?: string;
  /** Refuses -PLUS at its first line, with this. */
  readonly refusesPlus?: string;
}

export interface ScramServer {
  readonly port: number;
  /** Every line of every client, SASL messages decoded. */
  readonly lines: string[];
}

export async function startScramServer(options: ScramServerOptions): Promise<ScramServer> {
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket | TLSSocket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    new Session(socket, options, lines);
  };
  const { certificate } = options;
  const server =
    certificate === undefined
      ? createServer(serve)
      : tls.createServer(
          { cert: certificate.certificatePem, key: certificate.privateKeyPem, ...options.tlsOptions },
          serve,
        );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, lines };
}

class Session {
  readonly #socket: Socket | TLSSocket;
  readonly #options: ScramServerOptions;
  readonly #lines: string[];
  #next: (line: string) => void = (line) => this.#command(line);
  #text = '';

  constructor(socket: Socket | TLSSocket, options: ScramServerOptions, lines: string[]) {
    this.#socket = socket;
    this.#options = options;
    this.#lines = lines;
    socket.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    this.#say('+OK ready');
  }

  #say(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }

  #read(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\r\n'); end >= 0; end = this.#text.indexOf('\r\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      this.#next(line);
    }
  }

  #command(line: string): void {
    const [verb, name = '', initial] = line.split(' ');
    this.#lines.push(verb === 'AUTH' ? `AUTH ${name}` : line);
    if (verb === 'CAPA') {
      this.#say(`+OK\r\nSASL ${this.#options.announced.join(' ')}\r\nUSER\r\n.`);
    } else if (verb === 'AUTH' && name.endsWith('-PLUS') && this.#options.refusesPlus !== undefined) {
      this.#say(this.#options.refusesPlus);
    } else if (verb === 'AUTH' && name.startsWith('SCRAM') && initial !== undefined) {
      this.#scram(name, decode(initial));
    } else if (verb === 'QUIT') {
      this.#say('+OK bye');
    } else {
      this.#say('-ERR not here');
    }
  }

  #challenge(message: string, next: (line: string) => void): void {
    const tampered = this.#options.tamper?.(message) ?? message;
    this.#say(`+ ${Buffer.from(tampered).toString('base64')}`);
    this.#next = (line) => {
      this.#next = (command) => this.#command(command);
      if (line === '*') this.#say('-ERR cancelled');
      else next(decode(line));
    };
  }

  #scram(name: string, first: string): void {
    this.#lines.push(first);
    const hash = name.includes('512') ? 'sha512' : name.includes('256') ? 'sha256' : 'sha1';
    const [, flag = '', bare = '', clientNonce = ''] = /^([^,]*),,(n=.*,r=([^,]*))$/.exec(first) ?? [];
    const salt = randomBytes(16);
    const iterations = this.#options.iterations ?? 4096;
    const nonce = `${clientNonce}%server`;
    const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`;
    this.#challenge(serverFirst, (final) => {
      this.#lines.push(final);
      const [, withoutProof = '', binding = '', proof = ''] =
        /^(c=([^,]*),r=[^,]*),p=(.*)$/.exec(final) ?? [];
      const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest();
      const octets = createHash(hash).digest().length;
      const salted = pbkdf2Sync(this.#options.password ?? 'secret', salt, iterations, octets, hash);
      const message = `${bare},${serverFirst},${withoutProof}`;
      const stored = createHash(hash).update(hmac(salted, 'Client Key')).digest();
      const clientSignature = hmac(stored, message);
      const key = Buffer.from(Buffer.from(proof, 'base64').map((o, i) => o ^ (clientSignature[i] ?? 0)));
      const trouble = this.#bindingTrouble(flag, name, Buffer.from(binding, 'base64'));
      const isRight = createHash(hash).update(key).digest().equals(stored);
      const reason = trouble ?? (isRight ? undefined : 'invalid-proof');
      if (name.endsWith('-PLUS') && this.#options.refusesPlusProof !== undefined) {
        this.#say(this.#options.refusesPlusProof);
      } else if (reason !== undefined) {
        this.#challenge(`e=${reason}`, () => this.#say('-ERR no'));
      } else if (this.#options.isUnproven === true) {
        this.#say('+OK welcome');
      } else {
        const signature = hmac(hmac(salted, 'Server Key'), message).toString('base64');
        this.#challenge(`v=${signature}`, () => this.#say('+OK welcome'));
      }
    });
  }

  /** RFC 5802 §6. */
  #bindingTrouble(flag: string, name: string, sent: Buffer): string | undefined {
    if (flag === 'y' && this.#options.hasPlus === true) return 'server-does-support-channel-binding';
    if (!name.endsWith('-PLUS')) return sent.equals(Buffer.from(`${flag},,`)) ? undefined : 'other-error';
    const expected = this.#binding(flag.slice('p='.length));
    if (expected === undefined) return 'unsupported-channel-binding-type';
    const whole = Buffer.concat([Buffer.from(`${flag},,`), expected]);
    return sent.equals(whole) ? undefined : 'channel-bindings-dont-match';
  }

  #binding(type: string): Buffer | undefined {
    if (!(this.#socket instanceof tls.TLSSocket)) return undefined;
    if (this.#options.isElsewhere === true) return randomBytes(32);
    if (type === 'tls-exporter') {
      return this.#socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    }
    const isReused = this.#socket.isSessionReused();
    return type === 'tls-unique' ? this.#socket[isReused ? 'getFinished' : 'getPeerFinished']() : undefined;
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
