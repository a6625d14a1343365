/**
 * Whoever answers in a server's or a proxy's place: says what it likes, when it likes, and keeps every octet that it is sent, in
 * the clear or within TLS. What it must never have been sent is looked for in all forms that a login has on the wire.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { expect, onTestFinished } from 'vitest';
import type { Certificate } from '../../../src/demo/certificate.ts';
import { MailferryError } from '../../../src/errors/mailferry-error.ts';
import { openClient } from '../../../src/pop3/open-client.ts';
import { AUTH_CHOICES, type AuthChoice } from '../../../src/pop3/sasl/names.ts';
import { secretForms } from '../../support/secret-forms.ts';
import { optionsFor } from './sessions.ts';

/** What the attacks are after. Both are of a kind that is found again in no other octets by chance. */
export const VICTIM = { user: 'alice.of.the.tide', password: 'lantern-41-Harbour' } as const;

/** What an attacker says that looks like a server which offers everything. */
export const GREETING = '+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n';
export const EVERYTHING =
  'SASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER EXTERNAL\r\nUSER\r\nUTF8 USER\r\n';

export interface Attack {
  readonly say: (octets: string | Buffer) => void;
  /** Resolves once all that was said on this connection, in the clear or within TLS, holds the text. */
  readonly hears: (text: string) => Promise<void>;
  /** Goes on within TLS, as a server does. */
  readonly startTls: (
    certificate: Pick<Certificate, 'certificatePem' | 'privateKeyPem'>,
    options?: tls.SecureContextOptions,
  ) => void;
  readonly end: () => void;
}

export interface Attacker {
  readonly port: number;
  /** How many connections there were. */
  connections(): number;
  /** Everything that it was sent; within TLS as the text that was within. */
  heard(): string;
}

export async function startAttacker(attack: (attack: Attack) => Promise<void> | void): Promise<Attacker> {
  const all: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    const connection = new Connection(socket, (chunk) => all.push(chunk));
    void attack(connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    connections: () => sockets.length,
    heard: () => Buffer.concat(all).toString('latin1'),
  };
}

class Connection implements Attack {
  #socket: Socket | TLSSocket;
  #heard = '';
  #waiting: readonly { readonly text: string; readonly resolve: () => void }[] = [];
  readonly #keep: (chunk: Buffer) => void;

  constructor(socket: Socket, keep: (chunk: Buffer) => void) {
    this.#socket = socket;
    this.#keep = keep;
    this.#listen();
  }

  readonly say = (octets: string | Buffer): void => {
    if (this.#socket.writable) this.#socket.write(octets);
  };

  readonly hears = (text: string): Promise<void> =>
    new Promise((resolve) => {
      this.#waiting = [...this.#waiting, { text, resolve }];
      this.#wake();
    });

  readonly startTls: Attack['startTls'] = ({ certificatePem, privateKeyPem }, options = {}) => {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const secureContext = tls.createSecureContext({ cert: certificatePem, key: privateKeyPem, ...options });
    this.#socket = new tls.TLSSocket(plain, { isServer: true, secureContext });
    this.#listen();
  };

  readonly end = (): void => {
    this.#socket.end();
  };

  #listen(): void {
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (chunk: Buffer) => {
      this.#keep(chunk);
      this.#heard += chunk.toString('latin1');
      this.#wake();
    });
  }

  #wake(): void {
    const isHeard = ({ text }: { text: string }): boolean => this.#heard.includes(text);
    for (const { resolve } of this.#waiting.filter(isHeard)) resolve();
    this.#waiting = this.#waiting.filter((waiting) => !isHeard(waiting));
  }
}

/** No command that logs in, no user name, no secret, in no form: nothing at all of a login. */
export function expectNoLogin(attacker: Attacker): void {
  expect(attacker.heard()).not.toMatch(/\b(?:AUTH|USER|PASS|APOP)\b/i);
  expectNoSecret(attacker);
  for (const form of secretForms('', VICTIM.user)) expect(attacker.heard()).not.toContain(form);
}

/** A login may have begun, and the user be named: but nothing was said from which the secret could be read. */
export function expectNoSecret(attacker: Attacker, secret: string = VICTIM.password): void {
  for (const form of secretForms(VICTIM.user, secret)) expect(attacker.heard()).not.toContain(form);
}

type Extra = Parameters<typeof optionsFor>[1];

/** A login of the victim that must fail. */
export async function failedLogin({ port }: Pick<Attacker, 'port'>, extra: Extra): Promise<MailferryError> {
  try {
    const client = await openClient(optionsFor(port, { ...VICTIM, ...extra }));
    client.drop(new Error('it should not have come to a login'));
  } catch (cause) {
    if (cause instanceof MailferryError) return cause;
    throw cause;
  }
  throw new Error('it came to a login');
}

/** By every way to log in that there is: none may be more talkative than the others. @returns the codes of the failures. */
export async function failedLogins(
  attack: (attack: Attack) => Promise<void> | void,
  extra: Extra,
): Promise<Set<string>> {
  const codes = new Set<string>();
  for (const auth of AUTH_CHOICES) {
    const attacker = await startAttacker(attack);
    const { code } = await failedLogin(attacker, { auth, isToken: isToken(auth), ...extra });
    codes.add(code);
    expect(attacker.connections()).toBeGreaterThan(0);
    expectNoLogin(attacker);
  }
  return codes;
}

function isToken(auth: AuthChoice): boolean {
  return auth === 'XOAUTH2' || auth === 'OAUTHBEARER';
}
