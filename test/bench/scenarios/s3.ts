/**
 * The S3 sink beside a bare loop over the SDK, on a Ceph of the bench's own: the same octets, the same number of requests in
 * flight, in turns, each into a new bucket. A bare put proves nothing; so there is a second bare loop that reads each object back,
 * as the sink does where the job reads back (Ceph gives no checksums), and the price of a proof shows apart from that of our code.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startCeph } from '../services/ceph.ts';
import type { S3Server } from '../services/s3.ts';
import { markdownTable, median, withRange } from './table.ts';

const BARE = 'bare loop: PutObject';
const OCTETS = 4096;
const WIDTH = 32;
const BATCH = 256;
const US_PER_MS = 1000;

interface Measured {
  readonly name: string;
  readonly putsPerSecond: number;
  /** Of this process, for a message. */
  readonly cpuMs: number;
  readonly serverCpuMs: number;
  readonly requests: number;
}

/** As much of the built sink as is used here; the bench is compiled apart from the sources. */
interface BenchSink {
  openArchive(account: object, journal: object): Promise<BenchArchive>;
  close(): Promise<void>;
}

interface BenchArchive {
  store(
    batch: readonly object[],
    signal: AbortSignal,
  ): Promise<{ readonly outcomes: readonly BenchOutcome[] }>;
  close(): Promise<void>;
}

interface BenchOutcome {
  readonly kind: string;
  readonly receipt?: { readonly proof: string };
}

type Runner = (bucket: string, messages: readonly Buffer[]) => Promise<number>;

export interface S3BenchOptions {
  readonly messages: number;
  readonly rounds: number;
  readonly progress: (text: string) => void;
}

/** @returns a Markdown section */
export async function benchS3({ messages: count, rounds, progress }: S3BenchOptions): Promise<string> {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const messages = Array.from({ length: count }, (_, index) => makeMessage(index));
  const server = await startCeph();
  const client = clientFor(server);
  try {
    const runners: readonly [string, Runner][] = [
      [BARE, bareLoop(client, false)],
      ['mailferry, the put’s answer as proof', sinkRun(server, 'answer')],
      ['bare loop: PutObject, GetObject, hash', bareLoop(client, true)],
      ['mailferry, reading back', sinkRun(server, 'checksum')],
    ];
    const results: Measured[][] = [];
    // The first round is not counted: it compiles.
    for (let round = 0; round <= rounds; round++) {
      const loads = loadavg().map((load) => load.toFixed(1));
      progress(`s3-4k ${round}/${rounds} (load ${loads.join(', ')})`);
      const measured: Measured[] = [];
      for (const [index, [name, runner]] of runners.entries()) {
        const bucket = `bench-${round}-${index}`;
        await client.send(new CreateBucketCommand({ Bucket: bucket }));
        measured.push({ name, ...(await measure(() => runner(bucket, messages), server, count)) });
      }
      results.push(measured);
    }
    return `### S3 on Ceph, 4 KB each: ${count} messages, ${WIDTH} requests in flight, ${rounds} rounds\n\n${s3Table(results.slice(1))}`;
  } finally {
    client.destroy();
    await server.stop();
  }
}

function makeMessage(index: number): Buffer {
  const head = `Subject: message ${index}\r\n\r\n`;
  const body = randomBytes(OCTETS)
    .toString('hex')
    .slice(0, OCTETS - head.length - 2);
  return Buffer.from(`${head}${body}\r\n`);
}

async function measure(
  run: () => Promise<number>,
  server: S3Server,
  messages: number,
): Promise<Omit<Measured, 'name'>> {
  const [cpuBefore, serverBefore, startedAt] = [process.cpuUsage(), server.cpuSeconds(), performance.now()];
  const requests = await run();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    putsPerSecond: messages / seconds,
    cpuMs: (user + system) / US_PER_MS / messages,
    serverCpuMs: ((server.cpuSeconds() - serverBefore) * 1000) / messages,
    requests: requests / messages,
  };
}

/** Speeds are compared within a round, since the machine changes between rounds. */
function s3Table(rounds: readonly (readonly Measured[])[]): string {
  const names = rounds[0]?.map(({ name }) => name) ?? [];
  const header = ['', 'messages/s', 'CPU ms', 'server CPU ms', 'requests', 'speed against the bare loop'];
  const rows = names.map((name, column) => {
    const own = rounds.flatMap((round) => round[column] ?? []);
    const ratios = rounds.map((round) => {
      const [bare, one] = [round[0], round[column]];
      return (one?.putsPerSecond ?? Number.NaN) / (bare?.putsPerSecond ?? Number.NaN);
    });
    return [
      name,
      withRange(
        own.map(({ putsPerSecond }) => putsPerSecond),
        0,
      ),
      withRange(
        own.map(({ cpuMs }) => cpuMs),
        2,
      ),
      median(own.map(({ serverCpuMs }) => serverCpuMs)).toFixed(2),
      median(own.map(({ requests }) => requests)).toFixed(2),
      name === BARE ? '1' : withRange(ratios, 2),
    ];
  });
  return markdownTable(header, rows);
}

function bareLoop(client: S3Client, isProving: boolean): Runner {
  return async (Bucket, all) => {
    const entries = all.entries();
    await Promise.all(
      Array.from({ length: WIDTH }, async () => {
        for (const [index, Body] of entries) {
          const Key = `mail/${index}.eml`;
          await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'message/rfc822' }));
          if (isProving) {
            const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
            const octets = await answer.Body?.transformToByteArray();
            createHash('sha256')
              .update(octets ?? '')
              .digest('hex');
          }
        }
      }),
    );
    return all.length * (isProving ? 2 : 1);
  };
}

/** The sink is the built one, as users run it; its types are those of the sources. */
function sinkRun(server: S3Server, verify: 'answer' | 'checksum'): Runner {
  return async (bucket, all) => {
    const product = (path: string): string => new URL(`../../../../build/${path}`, import.meta.url).href;
    const { S3Sink }: { S3Sink: new (options: object) => BenchSink } = await import(product('sink/s3.js'));
    const { openObjectStore } = await import(product('sink/s3/client.js'));
    const { messageFromBuffer } = await import(product('message/message-builder.js'));
    const folder = await mkdtemp(join(tmpdir(), 'mailferry-s3-bench-'));
    let requests = 0;
    const { endpoint, region, accessKeyId, secretAccessKey } = server;
    const sink = new S3Sink({
      name: 's3:bench',
      store: {
        ...{ bucket, endpoint, region, forcePathStyle: true },
        credentials: async () => ({ accessKeyId, secretAccessKey }),
        timeouts: { connectMs: 30_000, idleMs: 60_000 },
      },
      openStore: (options: object) =>
        counting(openObjectStore(options), () => {
          requests++;
        }),
      ...{ verify, manifest: false, statePath: folder, patienceMs: 60_000 },
      limits: { perAccount: WIDTH },
    });
    try {
      const account = { id: 'bench', host: 'localhost', user: 'bench' };
      const archive = await sink.openArchive(account, {
        read: () => undefined,
        write: async () => undefined,
      });
      for (let at = 0; at < all.length; at += BATCH) {
        const batch = all
          .slice(at, at + BATCH)
          .map((octets, index) => ({ uidl: `u${at + index}`, copy: 0, message: messageFromBuffer(octets) }));
        const { outcomes } = await archive.store(batch, new AbortController().signal);
        const isProved = outcomes.every(
          ({ kind, receipt }) => kind === 'stored' && (receipt?.proof === 'synced') === (verify === 'answer'),
        );
        if (!isProved) throw new Error('a message was not proved');
      }
      await archive.close();
    } finally {
      await sink.close();
      await rm(folder, { recursive: true, force: true });
    }
    return requests;
  };
}

function counting<Store extends object>(inner: Store, onRequest: () => void): Store {
  return new Proxy(inner, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]): unknown => {
        onRequest();
        return Reflect.apply(member, target, args);
      };
    },
  });
}

function clientFor({ endpoint, region, accessKeyId, secretAccessKey }: S3Server): S3Client {
  return new S3Client({
    ...{ endpoint, region, forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
