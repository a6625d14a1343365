/**
 * The S3 sink against a bare loop over the SDK, on a Ceph of the bench's own: the same objects, the same number of requests in
 * flight, in turns, each into a new bucket. The bare loop proves nothing; a second one reads each object back as the sink must
 * (Ceph gives no checksums), so that the price of the proof shows apart from that of our code.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startCeph } from '../services/ceph.ts';
import type { S3Server } from '../services/s3.ts';

const MESSAGES = Number(process.env['S3_BENCH_MESSAGES'] ?? 10_000);
const ROUNDS = Number(process.env['S3_BENCH_ROUNDS'] ?? 3);
const OCTETS = 4096;
const WIDTH = 32;
const BATCH = 256;
const US_PER_SECOND = 1e6;

interface Measured {
  readonly putsPerSecond: number;
  /** Of this process, in microseconds for a message. */
  readonly cpuUs: number;
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

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
const messages = Array.from({ length: MESSAGES }, (_, index) => {
  const head = `Subject: message ${index}\r\n\r\n`;
  return Buffer.from(
    `${head}${randomBytes(OCTETS)
      .toString('hex')
      .slice(head.length + 2, OCTETS)}\r\n`,
  );
});
const store = await startCeph();
try {
  await compare(store);
} finally {
  await store.stop();
}

async function compare(server: S3Server): Promise<void> {
  const client = clientFor(server);
  const runners: readonly [string, Runner][] = [
    ['bare PUT', bareLoop(client, false)],
    ['bare PUT+GET+hash', bareLoop(client, true)],
    ['S3 sink', sinkRun(server)],
  ];
  const results = new Map<string, Measured[]>(runners.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, [name, runner]] of runners.entries()) {
      const bucket = `bench-${round}-${index}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      results.get(name)?.push(await measure(() => runner(bucket, messages)));
    }
  }
  client.destroy();
  show(results);
}

async function measure(run: () => Promise<number>): Promise<Measured> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const requests = await run();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    putsPerSecond: MESSAGES / seconds,
    cpuUs: (user + system) / MESSAGES,
    requests: requests / MESSAGES,
  };
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
function sinkRun(server: S3Server): Runner {
  return async (bucket, all) => {
    const product = (path: string): string => new URL(`../../../../dist/${path}`, import.meta.url).href;
    const { S3Sink }: { S3Sink: new (options: object) => BenchSink } = await import(product('sink/s3.js'));
    const { openObjectStore } = await import(product('sink/s3-client.js'));
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
      ...{ verify: 'checksum', manifest: false, statePath: folder, patienceMs: 60_000 },
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
          ({ kind, receipt }) => kind === 'stored' && receipt?.proof !== 'synced',
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

function show(results: ReadonlyMap<string, readonly Measured[]>): void {
  const best = (name: string): Measured | undefined =>
    [...(results.get(name) ?? [])].sort((a, b) => b.putsPerSecond - a.putsPerSecond)[0];
  const bare = best('bare PUT')?.putsPerSecond ?? Number.NaN;
  const proving = best('bare PUT+GET+hash')?.putsPerSecond ?? Number.NaN;
  for (const name of results.keys()) {
    const found = best(name);
    if (found === undefined) continue;
    const rate = found.putsPerSecond;
    process.stdout.write(
      `${name.padEnd(18)} ${rate.toFixed(0).padStart(6)} messages/s  ${((found.cpuUs / US_PER_SECOND) * 1000).toFixed(2)} ms CPU  ` +
        `${found.requests.toFixed(2)} requests  ${(rate / bare).toFixed(2)} of bare PUT  ${(rate / proving).toFixed(2)} of bare PUT+GET+hash\n`,
    );
  }
}
