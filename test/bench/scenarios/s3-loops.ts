/** What stores the messages of the S3 scenario: the sink as it was built, and bare loops over the SDK. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Server } from '../../services/s3.ts';
import { PROJECT } from '../project.ts';
import type { Storing } from './s3.ts';

/** Requests in flight. */
export const WIDTH = 32;
const BATCH = 256;

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

export class S3Loops {
  readonly #server: S3Server;
  readonly #client: S3Client;
  #buckets = 0;

  constructor(server: S3Server) {
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
    const { endpoint, region, accessKeyId, secretAccessKey } = server;
    this.#server = server;
    this.#client = new S3Client({
      ...{ endpoint, region, forcePathStyle: true },
      credentials: { accessKeyId, secretAccessKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  async makeBucket(): Promise<string> {
    const Bucket = `bench-${++this.#buckets}`;
    await this.#client.send(new CreateBucketCommand({ Bucket }));
    return Bucket;
  }

  bare(isProving: boolean): Storing {
    return async (Bucket, all) => {
      const entries = all.entries();
      await Promise.all(
        Array.from({ length: WIDTH }, async () => {
          for (const [index, Body] of entries) {
            const Key = `mail/${index}.eml`;
            await this.#client.send(
              new PutObjectCommand({ Bucket, Key, Body, ContentType: 'message/rfc822' }),
            );
            if (isProving) await this.#readBack(Bucket, Key);
          }
        }),
      );
      return all.length * (isProving ? 2 : 1);
    };
  }

  /** The sink is the built one, as users run it; its types are those of the sources. */
  sink(verify: 'answer' | 'checksum'): Storing {
    return async (bucket, all) => {
      const folder = await mkdtemp(join(tmpdir(), 'mailferry-s3-bench-'));
      let requests = 0;
      const sink = await this.#openSink(bucket, verify, folder, () => {
        requests++;
      });
      try {
        await storeAll(sink, all, verify);
      } finally {
        await sink.close();
        await rm(folder, { recursive: true, force: true });
      }
      return requests;
    };
  }

  close(): void {
    this.#client.destroy();
  }

  async #readBack(Bucket: string, Key: string): Promise<void> {
    const answer = await this.#client.send(new GetObjectCommand({ Bucket, Key }));
    const octets = await answer.Body?.transformToByteArray();
    createHash('sha256')
      .update(octets ?? '')
      .digest('hex');
  }

  async #openSink(
    bucket: string,
    verify: string,
    statePath: string,
    onRequest: () => void,
  ): Promise<BenchSink> {
    const { S3Sink }: { S3Sink: new (options: object) => BenchSink } = await import(
      built('sink/s3/s3-sink.js')
    );
    const { openObjectStore } = await import(built('sink/s3/client.js'));
    const { endpoint, region, accessKeyId, secretAccessKey } = this.#server;
    return new S3Sink({
      name: 's3:bench',
      store: {
        ...{ bucket, endpoint, region, forcePathStyle: true },
        credentials: async () => ({ accessKeyId, secretAccessKey }),
        timeouts: { connectMs: 30_000, idleMs: 60_000 },
      },
      openStore: (options: object) => counting(openObjectStore(options), onRequest),
      ...{ verify, manifest: false, statePath, patienceMs: 60_000 },
      limits: { perAccount: WIDTH },
    });
  }
}

async function storeAll(sink: BenchSink, all: readonly Buffer[], verify: string): Promise<void> {
  const { messageFromBuffer } = await import(built('message/message-builder.js'));
  const account = { id: 'bench', host: 'localhost', user: 'bench' };
  const archive = await sink.openArchive(account, { read: () => undefined, write: async () => undefined });
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
}

function built(path: string): string {
  return join(PROJECT, 'build', path);
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
