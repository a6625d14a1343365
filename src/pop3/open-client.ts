/**
 * From nothing to the TRANSACTION state: connect, greeting, TLS, capabilities, login. Nothing secret leaves before the
 * line is as safe as the job wants it (RFC 8314, RFC 2595 §2).
 */

import type { Bandwidth } from './bandwidth.ts';
import type { Capabilities } from './capabilities.ts';
import { Pop3Client } from './client.ts';
import { command } from './command.ts';
import { CommandWindow, type Timeouts } from './command-window.ts';
import { ConnectionError, RefusedError } from './errors.ts';
import { type Greeting, parseGreeting } from './greeting.ts';
import { type AuthChoice, assertCredentials, login } from './login.ts';
import { type ProxyOptions, proxyName } from './proxy.ts';
import { quote } from './status.ts';
import type { TlsOptions } from './tls.ts';
import type { TlsSessions } from './tls-sessions.ts';
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
  readonly proxy?: ProxyOptions | undefined;
  /** Address of this machine to connect from. */
  readonly localAddress?: string | undefined;
  /** TLS sessions that may be resumed; none where not given. */
  readonly tlsSessions?: TlsSessions | undefined;
  readonly signal: AbortSignal;
  /** Shared by all sessions that are to stay under one limit. */
  readonly bandwidth?: Bandwidth | undefined;
}

export interface LoginOptions {
  readonly user: string;
  readonly password: string;
  /** `password` is an access token. */
  readonly isToken?: boolean;
  readonly auth: AuthChoice;
  readonly authorizationId?: string | undefined;
  /** Most commands in flight where the server announces PIPELINING. */
  readonly pipeline: number;
}

/** Octets expected in answers that may be in flight: enough for a fast line far away, little enough for the memory. */
const WINDOW_OCTETS = 4 * 1024 * 1024;

/** Opens a session up to the AUTHORIZATION state, TLS included. @throws ConnectionError, ProtocolError, RefusedError */
export async function openConnection(options: EndpointOptions): Promise<Pop3Client> {
  try {
    return await connect(options, true);
  } catch (cause) {
    // Some servers older than CAPA close the connection at it: they are asked once more, without it.
    if (cause instanceof CutAtCapa) {
      options.trace.noted('the server closed the connection at CAPA: it is not asked again');
      return connect(options, false);
    }
    throw cause;
  }
}

/** The server ended the connection in order in place of an answer to the first CAPA. */
class CutAtCapa extends ConnectionError {}

async function connect(options: EndpointOptions, isAskingCapa: boolean): Promise<Pop3Client> {
  const { host, port, security, timeouts, trace } = options;
  // A signal of this session's own: thousands of sessions on one signal would be thousands of listeners on it.
  const signal = AbortSignal.any([options.signal]);
  const transport = await Transport.connect({
    host,
    port,
    isImplicitTls: security === 'tls',
    tls: options.tls,
    connectTimeoutMs: timeouts.connectMs,
    proxy: options.proxy,
    localAddress: options.localAddress,
    onKeyLog: trace.keyLogged,
    tlsSessions: options.tlsSessions,
    signal,
  });
  const window = new CommandWindow({ transport, timeouts, trace, signal, bandwidth: options.bandwidth });
  try {
    const through = options.proxy === undefined ? '' : ` through ${proxyName(options.proxy)}`;
    trace.noted(`connected to ${host}:${port}${through}`);
    const greeting = await readGreeting(window, timeouts.greetingMs);
    const client = new Pop3Client(greeting, window, transport, timeouts.loginMs);
    if (isAskingCapa) {
      await askFirstCapa(client, window);
    }
    if (security === 'starttls') {
      await upgrade(client, options, isAskingCapa);
    }
    if (transport.tlsFacts !== undefined) {
      trace.noted(
        `${transport.tlsFacts.protocol} ${transport.tlsFacts.cipher}${transport.tlsFacts.isResumed ? ', resumed' : ''}, certificate ${transport.tlsFacts.fingerprint}`,
      );
    }
    return client;
  } catch (cause) {
    window.fail(cause instanceof Error ? cause : new Error(String(cause)));
    // Where the window had failed before, by a deadline or an abort, that is the reason and this its echo.
    throw cause instanceof CutAtCapa ? cause : (window.failure ?? cause);
  }
}

async function askFirstCapa(client: Pop3Client, window: CommandWindow): Promise<void> {
  try {
    await client.capa();
  } catch (cause) {
    throw isCut(cause, window) ? new CutAtCapa(cause.message, { failure: 'closed' }) : cause;
  }
}

/** The server closed the connection on purpose: in order, and in place of an answer. */
function isCut(
  cause: unknown,
  { isEndedBetweenAnswers }: CommandWindow | Pop3Client,
): cause is ConnectionError {
  return cause instanceof ConnectionError && cause.failure === 'closed' && isEndedBetweenAnswers;
}

/** How far an opening has come: the server has greeted and told what it can; a credential is about to be sent. */
export type OpeningStep = 'connected' | 'logging-in';

/** Told at each step; `capabilities` as CAPA gave them before login. */
export type OpeningListener = (step: OpeningStep, capabilities: Capabilities | undefined) => void;

/** Opens a session in the TRANSACTION state. Credentials are checked before anything is connected. */
export async function openClient(
  options: EndpointOptions & LoginOptions,
  onStep?: OpeningListener,
): Promise<Pop3Client> {
  assertCredentials(options);
  const client = await openConnection(options);
  onStep?.('connected', client.capabilities);
  try {
    onStep?.('logging-in', client.capabilities);
    await logIn(client, options);
    return client;
  } catch (cause) {
    client.drop(cause instanceof Error ? cause : new Error(String(cause)));
    throw cause;
  }
}

/** From the AUTHORIZATION to the TRANSACTION state. @throws RefusedError, ProtocolError, ConnectionError */
export async function logIn(client: Pop3Client, options: LoginOptions): Promise<void> {
  try {
    await switchToUtf8(client);
    await login(client, options.auth, options);
  } catch (cause) {
    throw isCut(cause, client) ? cutAtLogin(cause) : cause;
  }
  // After login a server may announce more, or other values (RFC 2449 §5); without CAPA before there is none after.
  if (client.capabilities !== undefined) {
    await client.capa();
  }
  client.enterTransaction(options.pipeline, WINDOW_OCTETS);
}

/**
 * RFC 6856 §2: where a server announces UTF8 and is not asked for it, it may hand out a surrogate in place of a message with
 * UTF-8 in its header (Courier does, another one at each download). A refusal changes nothing.
 */
async function switchToUtf8(client: Pop3Client): Promise<void> {
  if (client.capabilities?.has('UTF8') === true) {
    await client.ask(command('UTF8'));
  }
}

/** Some servers close the connection in place of an -ERR; it is a refusal all the same, and asking again might lock the user out. */
function cutAtLogin(cause: ConnectionError): RefusedError {
  return new RefusedError('the server closed the connection in place of an answer to the login', {
    code: 'login-cut',
    scope: 'account',
    retry: 'never',
    hint: 'check `user` and `password` of the account; some servers do this at a wrong password, or when logins come too often',
    serverText: '',
    responseCode: undefined,
    cause,
  });
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
async function upgrade(
  client: Pop3Client,
  { host, port, trace }: EndpointOptions,
  isAskingCapa: boolean,
): Promise<void> {
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
  if (isAskingCapa) {
    trace.noted('STLS: capabilities are asked anew');
    await client.capa();
  }
}
