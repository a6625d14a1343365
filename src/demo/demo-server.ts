/**
 * An embedded POP3 server on 127.0.0.1, for the quick start and for tests. It shares no code with the client in `pop3/`, so
 * that neither can hide a mistake of the other.
 *
 *     await using server = await DemoServer.start({ users: [{ name: 'alice', password: 'secret', messages: [octets] }] });
 *     connect(server.port);
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import type { User } from './authorization.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { Mailbox, type MessageInput } from './mailbox.ts';
import { type Misbehaviour, MisbehaviourSwitch } from './misbehaviour-switch.ts';
import type { LoginMethod, Offer } from './offer.ts';
import { ServerRecord } from './record.ts';
import { Session, type SessionContext } from './session.ts';
import { Wire } from './wire.ts';

/** `plaintext`: no TLS. `starttls`: the plaintext port offers STLS. `tls`: a port of its own where TLS comes first. */
export type DemoSecurity = 'plaintext' | 'starttls' | 'tls';

export interface DemoUser {
  readonly name: string;
  readonly password: string;
  /** A mailbox that the caller keeps, or the messages of a new one. Default: empty. */
  readonly messages?: Mailbox | Iterable<MessageInput>;
}

export interface DemoServerOptions {
  readonly users: readonly DemoUser[];
  /** One, or several at once: `['starttls', 'tls']` listens on two ports. Default: `plaintext`. */
  readonly security?: DemoSecurity | readonly DemoSecurity[];
  /** A loopback address; each is a host of its own. Default: 127.0.0.1. */
  readonly address?: string;
  /** Ports on that address; 0, the default, takes any free one. */
  readonly port?: number;
  readonly tlsPort?: number;
  /** Default: all. Without `apop` the greeting has no timestamp. */
  readonly logins?: readonly LoginMethod[];
  /** False refuses every login before TLS. Default: true. */
  readonly allowsClearTextLogin?: boolean;
  readonly misbehaviour?: readonly Misbehaviour[];
  /** Default: made on the fly where TLS is offered (some 50 ms); a test file may make one and share it. */
  readonly certificate?: Certificate;
  /** RFC 1939 §3, autologout timer. Default: ten minutes, the least the RFC allows. */
  readonly idleMs?: number;
}

const TEN_MINUTES_MS = 600_000;

export class DemoServer {
  readonly record = new ServerRecord();
  readonly misbehaviour = new MisbehaviourSwitch();
  /** Undefined where no TLS is offered. */
  readonly certificate: Certificate | undefined;
  readonly #users: ReadonlyMap<string, User>;
  readonly #context: SessionContext;
  readonly #idleMs: number;
  readonly #closing = new AbortController();
  readonly #open = new Map<Wire, Promise<void>>();
  readonly #failures: unknown[] = [];
  #plain: Server | undefined;
  #tls: Server | undefined;

  private constructor(options: DemoServerOptions, offer: Offer, certificate: Certificate | undefined) {
    this.certificate = certificate;
    this.#users = usersOf(options.users);
    this.#idleMs = options.idleMs ?? TEN_MINUTES_MS;
    this.misbehaviour.on(...(options.misbehaviour ?? []));
    this.#context = {
      offer,
      users: this.#users,
      misbehaviour: this.misbehaviour,
      record: this.record,
      secureContext: certificate === undefined ? undefined : secureContextOf(certificate),
      signal: this.#closing.signal,
    };
  }

  /** Resolves when all ports listen. Throws `demo-listen` where a port cannot be had. */
  static async start(options: DemoServerOptions): Promise<DemoServer> {
    const security = new Set([options.security ?? 'plaintext'].flat());
    const needsCertificate = security.has('starttls') || security.has('tls');
    const offer: Offer = {
      logins: options.logins ?? ['user-pass', 'apop', 'plain'],
      hasStls: security.has('starttls'),
      allowsClearTextLogin: options.allowsClearTextLogin ?? true,
    };
    const certificate = needsCertificate ? (options.certificate ?? (await makeCertificate())) : undefined;
    const server = new DemoServer(options, offer, certificate);
    try {
      if (security.has('plaintext') || security.has('starttls')) {
        server.#plain = await listen(options, options.port ?? 0, (socket) =>
          server.#accept(socket, undefined),
        );
      }
      if (security.has('tls')) {
        const { secureContext } = server.#context;
        server.#tls = await listen(options, options.tlsPort ?? 0, (socket) =>
          server.#accept(socket, secureContext),
        );
      }
    } catch (thrown) {
      await server.close();
      throw thrown;
    }
    return server;
  }

  /** The plaintext (and STLS) port; where there is none, the TLS port. */
  get port(): number {
    return portOf(this.#plain ?? this.#tls);
  }

  /** The port where TLS comes first. Throws `demo-no-port` where there is none. */
  get tlsPort(): number {
    return portOf(this.#tls);
  }

  /** The authority to trust, PEM. Throws `demo-no-certificate` where no TLS is offered. */
  get authorityPem(): string {
    if (this.certificate === undefined) {
      throw defect('demo-no-certificate', 'The demo server has no certificate: it was started without TLS.');
    }
    return this.certificate.authorityPem;
  }

  /** The mailbox of a user, for a look inside and for mail that arrives. Throws `demo-no-user` for an unknown name. */
  mailbox(name: string): Mailbox {
    const user = this.#users.get(name);
    if (user === undefined) {
      throw defect('demo-no-user', `The demo server has no user "${name}".`);
    }
    return user.mailbox;
  }

  /**
   * Ends every session without UPDATE and frees the ports; resolves when no socket is left. May be called twice.
   * Throws `demo-session-failed` where a session broke by a defect, such as a generator of a message that threw.
   */
  async close(): Promise<void> {
    this.#closing.abort();
    const ports = [this.#plain, this.#tls].filter((port) => port?.listening);
    const closed = ports.map((port) => new Promise((resolve) => port?.close(resolve)));
    for (const wire of this.#open.keys()) {
      wire.destroy();
    }
    await Promise.all([...closed, ...this.#open.values()]);
    const [cause] = this.#failures.splice(0);
    if (cause !== undefined) {
      throw defect('demo-session-failed', `A session of the demo server broke: ${textOf(cause)}`, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket, tlsFirst: SecureContext | undefined): void {
    const wire = new Wire(socket, this.#idleMs);
    if (tlsFirst !== undefined) {
      wire.startTls(tlsFirst);
    }
    this.#open.set(
      wire,
      this.#serve(wire)
        .catch((thrown: unknown) => this.#failures.push(thrown))
        .then(() => void this.#open.delete(wire)),
    );
  }

  async #serve(wire: Wire): Promise<void> {
    const number = this.record.sessionOpened();
    const hasApop = this.#context.offer.logins.includes('apop');
    const timestamp = hasApop ? `<${number}.${randomBytes(8).toString('hex')}@demo.invalid>` : '';
    try {
      await new Session(wire, this.#context, { number, timestamp }).run();
    } finally {
      wire.destroy();
      this.record.sessionClosed();
    }
  }
}

function usersOf(users: readonly DemoUser[]): ReadonlyMap<string, User> {
  return new Map(
    users.map(({ name, password, messages }) => {
      const mailbox = messages instanceof Mailbox ? messages : new Mailbox(messages);
      return [name, { name, password, mailbox }];
    }),
  );
}

async function listen(
  { address = '127.0.0.1' }: DemoServerOptions,
  port: number,
  accept: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accept);
  try {
    server.listen({ port, host: address });
    await once(server, 'listening');
    return server;
  } catch (cause) {
    throw new MailferryError(`The demo server cannot listen on ${address}:${port}.`, {
      code: 'demo-listen',
      scope: 'run',
      retry: 'later',
      hint: 'Choose another port, or port 0 for any free one.',
      cause,
    });
  }
}

function portOf(server: Server | undefined): number {
  const address = server?.address();
  if (address === undefined || address === null || typeof address === 'string') {
    throw defect('demo-no-port', 'The demo server does not listen on such a port.');
  }
  return address.port;
}

function secureContextOf({ certificatePem, privateKeyPem }: Certificate): SecureContext {
  return createSecureContext({ cert: certificatePem, key: privateKeyPem, minVersion: 'TLSv1.2' });
}

function defect(code: string, text: string, cause?: unknown): MailferryError {
  const hint = 'Change the options of DemoServer.start.';
  return new MailferryError(text, { code, scope: 'run', retry: 'never', hint, cause });
}
