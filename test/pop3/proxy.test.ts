/** Proxies that refuse, that are silent, and that lie about who is behind them. Real ones are in test/integration. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { openClient } from '../../src/pop3/open-client.ts';
import type { ProxyOptions } from '../../src/pop3/proxy.ts';
import { optionsFor } from './support/sessions.ts';

const SOCKS_OPEN = Buffer.from([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
const HTTP_OPEN = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n');
const OPEN = { socks5: SOCKS_OPEN, http: HTTP_OPEN };

interface FakeProxy {
  readonly port: number;
  /** All octets that it was sent. */
  received(): string;
}

/** Listens as a proxy; `talk` plays it for each connection. */
async function proxyThat(talk: (socket: Socket) => void): Promise<FakeProxy> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
    talk(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) {
      socket.destroy();
    }
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    received: () => Buffer.concat(chunks).toString('latin1'),
  };
}

const through = (kind: ProxyOptions['kind'], port: number, credentials?: ProxyOptions['credentials']) => ({
  host: 'pop.example.net',
  proxy: { kind, host: '127.0.0.1', port, credentials },
});

function attempt(port: number, extra: Parameters<typeof optionsFor>[1]): Promise<unknown> {
  return openClient(optionsFor(port, extra)).then(
    () => undefined,
    (cause: unknown) => cause,
  );
}

describe.each(['socks5', 'http'] as const)('a %s proxy', (kind) => {
  it('that lies about the server behind it gets no credential past TLS', async () => {
    for (const security of ['tls', 'starttls'] as const) {
      const proxy = await proxyThat((socket) => {
        socket.once('data', () => socket.write(Buffer.concat([OPEN[kind], Buffer.from('+OK ready\r\n')])));
        socket.on('data', (chunk) => {
          if (chunk.includes('CAPA')) {
            socket.write('+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n');
          }
        });
      });
      const thrown = await attempt(995, { security, ...through(kind, proxy.port) });
      expect(thrown).toMatchObject({ code: 'connection-tls', retry: 'never' });
      expect(proxy.received()).not.toMatch(/alice|secret|AGFsaWNl/);
    }
  });

  it('whose answer comes in one packet with what the server says first loses nothing of it', async () => {
    const proxy = await proxyThat((socket) => {
      socket.once('data', () =>
        socket.write(Buffer.concat([OPEN[kind], Buffer.from('-ERR [SYS/TEMP] later\r\n')])),
      );
    });
    const thrown = await attempt(110, { security: 'plaintext', ...through(kind, proxy.port) });
    expect(thrown).toMatchObject({ message: expect.stringContaining('later') });
  });

  it('that says nothing is given up after the deadline, and when the run is dropped', async () => {
    const proxy = await proxyThat(() => undefined);
    const options = optionsFor(110, through(kind, proxy.port));
    const timeouts = { ...options.timeouts, connectMs: 50 };
    expect(await attempt(110, { ...through(kind, proxy.port), timeouts })).toMatchObject({
      code: 'connection-unreachable',
      message: expect.stringMatching(/the proxy .* took longer than 50 ms/),
    });
    const signal = AbortSignal.abort();
    expect(await attempt(110, { ...through(kind, proxy.port), signal })).toMatchObject({
      code: 'connection-aborted',
    });
  });

  it('that hangs up, or is not there, is told by its name', async () => {
    const proxy = await proxyThat((socket) => socket.once('data', () => socket.end()));
    expect(await attempt(110, through(kind, proxy.port))).toMatchObject({
      code: 'connection-unreachable',
      retry: 'later',
      message: expect.stringContaining(`${kind}://127.0.0.1:${proxy.port}`),
    });
    expect(await attempt(110, through(kind, 1))).toMatchObject({
      code: 'connection-unreachable',
      message: expect.stringContaining(`connecting to the proxy ${kind}://127.0.0.1:1 failed`),
    });
  });
});

test.each([
  ['407 Proxy Authentication Required', 'never'],
  ['403 Forbidden', 'later'],
  ['502 Bad Gateway', 'later'],
] as const)('an HTTP proxy that answers %s is not asked again: %s', async (answer, retry) => {
  const proxy = await proxyThat((socket) => {
    socket.once('data', () => socket.end(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\n\r\n`));
  });
  const credentials = { user: 'proxy-user', password: 'proxy-secret' };
  const thrown = await attempt(110, through('http', proxy.port, credentials));
  expect(thrown).toMatchObject({ retry, message: expect.stringContaining(`it answered ${answer}`) });
  expect(String(thrown)).not.toContain('proxy-secret');
  expect(proxy.received()).toContain(`Basic ${Buffer.from('proxy-user:proxy-secret').toString('base64')}`);
});
