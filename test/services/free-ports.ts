/**
 * Ports for servers that cannot be told "any free one". Taken below 32768, where Linux hands out none by itself, so that
 * an outgoing connection of another test cannot sit on the port. Between the probe and the use somebody may still take
 * it: the caller tries again with others.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const LOWEST = 10_240;
const EPHEMERAL_FLOOR = 32_768;
const ATTEMPTS = 1000;

/** Distinct loopback ports that were free just now, the preferred ones before any others. Throws when none can be found. */
export async function findFreePorts(count: number, preferred: readonly number[] = []): Promise<number[]> {
  const found = new Set<number>();
  for (const port of preferred) if (found.size < count && (await isFree(port))) found.add(port);
  for (let attempt = 0; attempt < ATTEMPTS && found.size < count; attempt++) {
    const port = randomInt(LOWEST, EPHEMERAL_FLOOR);
    if (await isFree(port)) found.add(port);
  }
  if (found.size < count) throw new Error(`no ${count} free ports between ${LOWEST} and ${EPHEMERAL_FLOOR}`);
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
