/**
 * Through a proxy to a server: SOCKS5, or HTTP CONNECT (RFC 9110 §9.3.6), over a connection to the proxy that is made already. The proxy
 * is told the server's name, so it is the proxy that resolves it. What comes behind its answer is the server's; a proxy
 * that lies about whose it is meets the same checks as any other stranger: TLS.
 */
import net from 'node:net';
import { textOf } from '../errors/mailferry-error.ts';
import { withoutSecrets } from './command.ts';
import { ConnectionError } from './errors.ts';
import { SocksDialogue, type SocksEnd } from './socks.ts';

export interface ProxyOptions {
  readonly kind: 'socks5' | 'http';
  readonly host: string;
  readonly port: number;
  readonly credentials: { readonly user: string; readonly password: string } | undefined;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** `socks5://proxy.example:1080`, to be shown. */
export function proxyName({ kind, host, port }: Pick<ProxyOptions, 'kind' | 'host' | 'port'>): string {
  return `${kind}://${authority({ host, port })}`;
}

/**
 * Asks the proxy at the other end of `socket` for a connection to `target`. It has no deadline of its own: whoever destroys the
 * socket ends it.
 * @throws ConnectionError `unreachable`, never to be repeated where the proxy wants other credentials.
 */
export async function openTunnel(socket: net.Socket, proxy: ProxyOptions, target: Target): Promise<void> {
  const end = await (proxy.kind === 'socks5' ? askSocks : askHttp)(socket, proxy, target);
  if (end.kind === 'refused') {
    throw new ConnectionError(
      `the proxy ${proxyName(proxy)} gives no connection to ${authority(target)}: ${end.why}`,
      {
        failure: 'unreachable',
        retry: end.isLogin ? 'never' : 'later',
        hint: end.isLogin ? 'check `user` and `password` of the proxy' : undefined,
      },
    );
  }
  if (end.rest.length > 0) {
    // The server may speak first, in one packet with the proxy's answer.
    socket.unshift(end.rest);
  }
}

function askSocks(socket: net.Socket, { credentials }: ProxyOptions, target: Target): Promise<SocksEnd> {
  const dialogue = new SocksDialogue(target, credentials);
  return new Promise((resolve) => {
    const settle = (end: SocksEnd): void => {
      socket.off('data', onData).off('close', onClose).pause();
      resolve(end);
    };
    const onClose = (): void => settle(closedEarly());
    const onData = (chunk: Buffer): void => {
      try {
        const { send, end } = dialogue.push(chunk);
        for (const octets of send) {
          socket.write(octets);
        }
        if (end !== undefined) {
          settle(end);
        }
      } catch (cause) {
        settle({ kind: 'refused', why: textOf(cause), isLogin: true });
      }
    };
    socket.on('data', onData).once('close', onClose);
    socket.write(dialogue.greeting);
  });
}

async function askHttp(socket: net.Socket, { credentials }: ProxyOptions, target: Target): Promise<SocksEnd> {
  // Few jobs have such a proxy, and each start would load it.
  const { request } = await import('node:http');
  const path = authority(target);
  const basic = basicOf(credentials);
  const headers = { Host: path, ...(basic !== undefined && { 'Proxy-Authorization': `Basic ${basic}` }) };
  const secrets = [basic ?? '', credentials?.password ?? ''];
  const asking = request({ createConnection: () => socket, method: 'CONNECT', path, headers });
  return new Promise((resolve) => {
    const answered = (status = 0, words = ''): SocksEnd => ({
      kind: 'refused',
      // Some say back what they did not like.
      why: `it answered ${status} ${withoutSecrets(words, secrets)}`.trimEnd(),
      // 401 is what tinyproxy says to a wrong password, 407 what the RFC says (RFC 9110 §15.5.8).
      isLogin: status === 407 || status === 401,
    });
    asking.once('connect', ({ statusCode = 0, statusMessage }, _socket, rest: Buffer) => {
      resolve(
        statusCode >= 200 && statusCode < 300 ? { kind: 'open', rest } : answered(statusCode, statusMessage),
      );
    });
    asking.once('error', (cause) => resolve({ kind: 'refused', why: cause.message, isLogin: false }));
    asking.end();
  });
}

/** RFC 7617 §2. */
function basicOf(credentials: ProxyOptions['credentials']): string | undefined {
  return credentials && Buffer.from(`${credentials.user}:${credentials.password}`, 'utf8').toString('base64');
}

function closedEarly(): SocksEnd {
  return { kind: 'refused', why: 'it closed the connection', isLogin: false };
}

function authority({ host, port }: Target): string {
  return `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
}
