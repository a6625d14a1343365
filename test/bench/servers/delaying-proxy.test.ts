import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { openDelayingProxy } from './delaying-proxy.ts';

it('what both sides send comes whole and in order, and the end of one side reaches the other', async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write('greeting ');
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end('bye'));
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port: target } = server.address() as AddressInfo;
  try {
    await using proxy = await openDelayingProxy({ target, roundTripMs: 4 });
    const client = createConnection({ host: '127.0.0.1', port: proxy.port });
    const sent = 'x'.repeat(300_000);
    client.write(sent);
    client.end('end ');
    let came = '';
    for await (const chunk of client) came += String(chunk);
    expect(came === `greeting ${sent}end bye`).toBe(true);
  } finally {
    server.close();
  }
});
