/** Measures what a delaying proxy really does, so that nobody has to believe it. */
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { openDelayingProxy } from './delaying-proxy.ts';

const TRIPS = 9;

/** Milliseconds from one octet sent through such a proxy to its echo; the median of some. */
export async function measureRoundTrip(roundTripMs: number): Promise<number> {
  const echo = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  echo.listen({ host: '127.0.0.1', port: 0 });
  await once(echo, 'listening');
  const address = echo.address();
  if (address === null || typeof address === 'string') throw new Error('the echo has no port');
  await using proxy = await openDelayingProxy({ target: address.port, roundTripMs });
  const client = createConnection({ host: '127.0.0.1', port: proxy.port, noDelay: true });
  const trips: number[] = [];
  // The first one also waits for the connection.
  for (let trip = 0; trip <= TRIPS; trip++) {
    const startedAt = performance.now();
    client.write('x');
    await once(client, 'data');
    trips.push(performance.now() - startedAt);
  }
  client.destroy();
  echo.close();
  return trips.slice(1).sort((a, b) => a - b)[Math.floor(TRIPS / 2)] ?? Number.NaN;
}
