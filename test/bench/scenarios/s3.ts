/**
 * The S3 sink beside a bare loop over the SDK, on a Ceph of the bench's own: the same octets, the same number of requests in
 * flight, in turns, each into a new bucket. A bare put proves nothing; so there is a second bare loop that reads each object back,
 * as the sink does where the job reads back (Ceph gives no checksums), and the price of a proof shows apart from that of our code.
 */
import { randomBytes } from 'node:crypto';
import type { S3Server } from '../../services/s3.ts';
import type { Measurement } from '../result.ts';
import { type Contestant, takeTurns } from '../turns.ts';
import { BARE_PUT, SUBJECT } from './names.ts';
import type { Scenario } from './scenario.ts';

const OCTETS = 4096;
const US_PER_SECOND = 1e6;

/** Stores all messages in a bucket; gives how many requests that took. */
export type Storing = (bucket: string, messages: readonly Buffer[]) => Promise<number>;

export function s3Scenario(name: string, count: number): Scenario {
  return {
    name,
    title: 'S3 on Ceph, 4 KB each',
    users: [],
    async measure({ options }) {
      // Here and not above: the SDK is large, and nothing else needs it.
      const { startCeph } = await import('../../services/ceph.ts');
      const { S3Loops, WIDTH } = await import('./s3-loops.ts');
      const messages = Array.from({ length: count }, (_, index) => makeMessage(index));
      options.progress(`${name}: starting Ceph`);
      const server = await startCeph();
      const loops = new S3Loops(server);
      try {
        const requests = new Map<string, number>();
        const contestants: Contestant[] = [
          [BARE_PUT, loops.bare(false)] as const,
          [SUBJECT, loops.sink('answer')] as const,
          ['bare loop: PutObject, GetObject, hash', loops.bare(true)] as const,
          [`${SUBJECT}, reading back`, loops.sink('checksum')] as const,
        ].map(([contender, storing]) => ({
          name: contender,
          isOptional: false,
          measure: () =>
            measureStoring(server, async () => {
              const made = await storing(await loops.makeBucket(), messages);
              requests.set(contender, made / count);
            }),
        }));
        // Not counted: the first run compiles.
        for (const { name: contender, measure } of contestants) {
          options.progress(`${name}: warming up, ${contender}`);
          await measure();
        }
        const turns = await takeTurns(contestants, {
          ...{ rounds: options.rounds, patienceSeconds: options.patienceSeconds },
          onTurn: (text) => options.progress(`${name}: ${text}`),
        });
        const said = [...requests].map(([contender, each]) => `${contender} ${each.toFixed(2)}`);
        const notes = [
          `${WIDTH} requests in flight. All run inside of the bench, so there is no peak. ${SUBJECT} takes the put’s answer as proof.`,
          `Requests a message: ${said.join('; ')}.`,
        ];
        return { messages: count, octets: count * OCTETS, ...turns, notes };
      } finally {
        loops.close();
        await server.stop();
      }
    },
  };
}

function makeMessage(index: number): Buffer {
  const head = `Subject: message ${index}\r\n\r\n`;
  const body = randomBytes(OCTETS)
    .toString('hex')
    .slice(0, OCTETS - head.length - 2);
  return Buffer.from(`${head}${body}\r\n`);
}

async function measureStoring(
  server: S3Server,
  store: () => Promise<void>,
): Promise<Omit<Measurement, 'contender'>> {
  const [cpuBefore, serverBefore, startedAt] = [process.cpuUsage(), server.cpuSeconds(), performance.now()];
  await store();
  const wallSeconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    wallSeconds,
    cpuSeconds: (user + system) / US_PER_SECOND,
    serverCpuSeconds: server.cpuSeconds() - serverBefore,
  };
}
