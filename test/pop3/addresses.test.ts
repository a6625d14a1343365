/** A host with several addresses, of which one is dead: by refusing, or by saying nothing at all (RFC 8305). */
import { type ChildProcess, spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import net from 'node:net';
import { execPath } from 'node:process';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectSocket } from '../../src/pop3/connect.ts';

const ADDRESSES = { IPv6: '::1', IPv4: '127.0.0.1' } as const;
type Family = keyof typeof ADDRESSES;
const NAMES: readonly (readonly [Family, Family])[] = [
  ['IPv6', 'IPv4'],
  ['IPv4', 'IPv6'],
];

/** Has the name `pop.example` stand for these, in this order. */
function resolveTo(...families: readonly Family[]): void {
  const addresses = families.map((name) => ({ address: ADDRESSES[name], family: name === 'IPv6' ? 6 : 4 }));
  const lookUp = dns.lookup;
  // dns.lookup has many forms; net.connect uses the one for all addresses, and servers another one.
  const answer = (host: string, options: dns.LookupAllOptions, done: (...of: unknown[]) => void) => {
    if (host === 'pop.example') process.nextTick(done, null, addresses);
    else lookUp(host, options, done);
  };
  vi.spyOn(dns, 'lookup').mockImplementation(answer as typeof dns.lookup);
  onTestFinished(() => void vi.restoreAllMocks());
}

async function listen(family: Family, port = 0): Promise<number> {
  const server = net.createServer((socket) => socket.on('error', () => undefined).end('+OK\r\n'));
  server.listen(port, ADDRESSES[family]);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** A port that is taken and never answered: its owner sleeps, and the places before it are full. */
async function listenSilently(family: Family): Promise<number> {
  const script = `
    const server = require('node:net').createServer().listen({ port: 0, host: '${ADDRESSES[family]}', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child: ChildProcess = spawn(execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = await once(child.stdout ?? child, 'data');
  const before = Array.from({ length: 8 }, () => net.connect(Number(port), ADDRESSES[family]));
  for (const socket of before) socket.on('error', () => undefined);
  onTestFinished(() => {
    for (const socket of before) socket.destroy();
  });
  return Number(port);
}

const connect = (port: number, connectTimeoutMs = 10_000) =>
  connectSocket({
    ...{ host: 'pop.example', port, connectTimeoutMs, signal: new AbortController().signal },
    tls: { caPath: undefined, fingerprints: [], serverName: undefined },
  });

describe.each(NAMES)('Q65: a host with %s first and %s behind it', (first, second) => {
  it('is reached by the first where both are well', async () => {
    resolveTo(first, second);
    const port = await listen(first);
    await listen(second, port);
    const socket = await connect(port);
    expect(socket.remoteAddress).toBe(ADDRESSES[first]);
    socket.destroy();
  });

  it('is reached by the second where the first refuses', async () => {
    resolveTo(first, second);
    const socket = await connect(await listen(second));
    expect(socket.remoteAddress).toBe(ADDRESSES[second]);
    socket.destroy();
  });

  it('is reached by the second where the first says nothing', async () => {
    resolveTo(first, second);
    const port = await listenSilently(first);
    await listen(second, port);
    const socket = await connect(port);
    expect(socket.remoteAddress).toBe(ADDRESSES[second]);
    socket.destroy();
  });

  it('is unreachable where both refuse, and both are named', async () => {
    resolveTo(first, second);
    const server = net.createServer().listen(0, ADDRESSES[first]);
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await expect(connect(port)).rejects.toMatchObject({
      code: 'connection-unreachable',
      retry: 'later',
      message: expect.stringMatching(new RegExp(`${ADDRESSES[first]}.*${ADDRESSES[second]}`)),
    });
  });
});

it('a connection comes from the local address that the job names', async () => {
  const server = net.createServer((socket) => socket.end(`${socket.remoteAddress}\r\n`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const socket = await connectSocket({
    ...{ host: '127.0.0.1', port: typeof address === 'object' ? (address?.port ?? 0) : 0 },
    ...{ localAddress: '127.0.0.2', connectTimeoutMs: 10_000, signal: new AbortController().signal },
    tls: { caPath: undefined, fingerprints: [], serverName: undefined },
  });
  const [chunk] = await once(socket, 'data');
  expect(String(chunk)).toBe('127.0.0.2\r\n');
});
