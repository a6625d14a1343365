/**
 * From nothing to the TRANSACTION state: connect, greeting, TLS, capabilities, login. Nothing secret leaves before the
 * line is as safe as the job wants it (RFC 8314, RFC 2595 §2).
 */
import { Pop3Client } from './client.ts';
import { CommandWindow, type Timeouts } from './command-window.ts';
import { ConnectionError, RefusedError } from './errors.ts';
import { type Greeting, parseGreeting } from './greeting.ts';
import { type AuthChoice, assertCredentials, login } from './login.ts';
import { quote } from './status.ts';
import type { TlsOptions } from './tls.ts';
import { Transport } from './transport.ts';
import type { WireTrace } from './wire-trace.ts';

export interface EndpointOptions {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'plaintext';
  readonly tls: TlsOptions;
  readonly timeouts: Timeouts & {
    readonly connectMs: number;
    readonly greetingMs: number;
    readonly loginMs: number;
  };
  readonly trace: WireTrace;
  readonly signal: AbortSignal;
}

export interface LoginOptions {
  readonly user: string;
  readonly password: string;
  readonly auth: AuthChoice;
  /** Most commands in flight where the server announces PIPELINING. */
  readonly pipeline: number;
}

/** Octets expected in answers that may be in flight: enough for a fast line far away, little enough for the memory. */
const WINDOW_OCTETS = 4 * 1024 * 1024;

/** Opens a session up to the AUTHORIZATION state, TLS included. @throws ConnectionError, ProtocolError, RefusedError */
export async function openConnection(options: EndpointOptions): Promise<Pop3Client> {
  const { host, port, security, timeouts, trace } = options;
  // A signal of this session's own: thousands of sessions on one signal would be thousands of listeners on it.
  const signal = AbortSignal.any([options.signal]);
  const transport = await Transport.connect({
    host,
    port,
    isImplicitTls: security === 'tls',
    tls: options.tls,
    connectTimeoutMs: timeouts.connectMs,
    signal,
  });
  const window = new CommandWindow({ transport, timeouts, trace, signal });
  try {
    trace.noted(`connected to ${host}:${port}`);
    const greeting = await readGreeting(window, timeouts.greetingMs);
    const client = new Pop3Client(greeting, window, transport, timeouts.loginMs);
    await client.capa();
    if (security === 'starttls') {
      await upgrade(client, options);
    }
    if (transport.tlsFacts !== undefined) {
      trace.noted(
        `${transport.tlsFacts.protocol} ${transport.tlsFacts.cipher}, certificate ${transport.tlsFacts.fingerprint}`,
      );
    }
    return client;
  } catch (cause) {
    window.fail(cause instanceof Error ? cause : new Error(String(cause)));
    // Where the window had failed before, by a deadline or an abort, that is the reason and this its echo.
    throw window.failure ?? cause;
  }
}

/** Opens a session in the TRANSACTION state. Credentials are checked before anything is connected. */
export async function openClient(options: EndpointOptions & LoginOptions): Promise<Pop3Client> {
  assertCredentials(options);
  const client = await openConnection(options);
  try {
    await logIn(client, options);
    return client;
  } catch (cause) {
    client.drop(cause instanceof Error ? cause : new Error(String(cause)));
    throw cause;
  }
}

/** From the AUTHORIZATION to the TRANSACTION state. @throws RefusedError, ProtocolError, ConnectionError */
export async function logIn(client: Pop3Client, options: LoginOptions): Promise<void> {
  await login(client, options.auth, options);
  // After login a server may announce more, or other values (RFC 2449 §5); without CAPA before there is none after.
  if (client.capabilities !== undefined) {
    await client.capa();
  }
  client.enterTransaction(options.pipeline, WINDOW_OCTETS);
}

function readGreeting(window: CommandWindow, greetingMs: number): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    let greeting: Greeting | undefined;
    window.expectGreeting({
      isMultiLine: false,
      firstOctetMs: greetingMs,
      // Judged at once: what another protocol says behind its first line must not hide which protocol it is.
      onRawLine: (line) => {
        greeting = parseGreeting(line);
      },
      onStatus: () => undefined,
      onEnd: () => {
        if (greeting !== undefined) {
          resolve(greeting);
        }
      },
      onFailure: reject,
    });
  });
}

/** Required means required: without STLS, or with a refusal, the session ends before a credential is sent (RFC 2595 §2.2). */
async function upgrade(client: Pop3Client, { host, port, trace }: EndpointOptions): Promise<void> {
  const hint = 'use `security: tls` if the server has port 995; no password was sent';
  if (client.capabilities !== undefined && !client.capabilities.has('STLS')) {
    throw new ConnectionError(`${host}:${port} does not offer STLS, which the job requires`, {
      failure: 'tls',
      retry: 'never',
      hint,
    });
  }
  try {
    await client.stls();
  } catch (cause) {
    if (cause instanceof RefusedError) {
      throw new ConnectionError(
        `${host}:${port} refuses STLS, which the job requires: ${quote(cause.serverText)}`,
        {
          failure: 'tls',
          retry: 'never',
          hint,
          cause,
        },
      );
    }
    throw cause;
  }
  trace.noted('STLS: capabilities are asked anew');
  await client.capa();
}
