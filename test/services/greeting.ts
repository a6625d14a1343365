/** Waits for a server that was just started, whatever it does before. */
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessGroup } from './process-group.ts';

const HOST = '127.0.0.1';
const START_DEADLINE_MS = 20_000;
const POLL_MS = 10;

/** Until it greets in clear text. Throws where the program ends before, or where that takes too long. */
export function untilGreeting(port: number, server: ProcessGroup): Promise<void> {
  return untilPort(port, server, (socket, settle) => {
    socket.once('data', (chunk: Buffer) => settle(chunk.toString('latin1').startsWith('+OK')));
  });
}

/** Until it accepts connections: for a port that speaks TLS. Throws as `untilGreeting`. */
export function untilListening(port: number, server: ProcessGroup): Promise<void> {
  return untilPort(port, server, (socket, settle) => {
    socket.once('connect', () => settle(true));
  });
}

type Watch = (socket: Socket, settle: (isReady: boolean) => void) => void;

async function untilPort(port: number, server: ProcessGroup, watch: Watch): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline) {
    if (!server.isRunning) throw new Error(`the server ended before it was ready on port ${port}`);
    if (await isReady(port, watch)) return;
    await delay(POLL_MS);
  }
  throw new Error(`not ready on port ${port} within ${START_DEADLINE_MS} ms`);
}

function isReady(port: number, watch: Watch): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: HOST });
    const settle = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    watch(socket, settle);
    socket.setTimeout(START_DEADLINE_MS, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('end', () => settle(false));
  });
}
