/**
 * Object stores of the test's own, on loopback, in a temporary folder: what a started one is, and what both kinds share.
 * Ceph's gateway (ceph.ts) keeps what S3 promises, bar flexible checksums; Swift's S3 layer (swift.ts) is the weak one, which
 * silently ignores much. Must not use any code of the product.
 */
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ProcessGroup, statFields } from './process-group.ts';

export interface S3Server {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** Stops answering, with connections left open. */
  freeze(): void;
  thaw(): void;
  /** CPU seconds (user and system) of the server's processes so far. */
  cpuSeconds(): number;
  /** Ends every process and removes the folder. Can be called twice. */
  stop(): Promise<void>;
}

export const S3_HOST = '127.0.0.1';
const POLL_MS = 20;

/** Resolves when all ports take connections. @throws with what the programs printed, when one ends or the time is over. */
export async function untilListening(
  ports: readonly number[],
  programs: readonly ProcessGroup[],
  deadlineMs: number,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (const port of ports) {
    while (!(await accepts(port))) {
      const dead = programs.find(({ isRunning }) => !isRunning);
      if (dead !== undefined || Date.now() > deadline) {
        const outputs = programs.map(({ output }) => output).join('\n');
        throw new Error(
          `nothing listens on port ${port}: ${dead === undefined ? 'too late' : 'ended'}\n${outputs}`,
        );
      }
      await delay(POLL_MS);
    }
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: S3_HOST });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Fields 14 and 15 of proc(5)'s stat: utime and stime, in ticks. */
export function cpuSecondsOf(pid: number): number {
  const [userTicks, systemTicks] = statFields(pid).slice(11, 13);
  const ticksPerSecond = 100;
  return (Number(userTicks ?? 0) + Number(systemTicks ?? 0)) / ticksPerSecond;
}
