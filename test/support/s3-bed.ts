/** An S3 sink over a store of the test's choice: options, batches, and a client of the test's own to look into the bucket. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { messageFromBuffer } from '../../src/message/message-builder.ts';
import type { S3SinkOptions } from '../../src/sink/s3/options.ts';
import { S3Sink } from '../../src/sink/s3/s3-sink.ts';
import type {
  JsonValue,
  Receipt,
  SinkAccount,
  SinkJournal,
  StorableMessage,
  StoreOutcome,
} from '../../src/sink/sink.ts';

export const ALICE: SinkAccount = { id: 'alice@example.org', host: 'pop.example.org', user: 'alice' };
export const NO_ABORT = new AbortController().signal;

export interface S3Place {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

/** A journal that lives as long as the test. */
export class MemoryJournal implements SinkJournal {
  value: JsonValue | undefined;

  read(): JsonValue | undefined {
    return this.value;
  }

  async write(value: JsonValue): Promise<void> {
    this.value = JSON.parse(JSON.stringify(value));
  }
}

export class S3Bed implements AsyncDisposable {
  readonly folder: string;
  readonly client: S3Client;
  readonly bucket: string;
  readonly #place: S3Place;

  private constructor(place: S3Place, folder: string, bucket: string) {
    this.#place = place;
    this.folder = folder;
    this.bucket = bucket;
    this.client = openClient(place);
  }

  static async make(place: S3Place, bucket: string): Promise<S3Bed> {
    const bed = new S3Bed(place, await mkdtemp(join(tmpdir(), 'mailferry-s3-')), bucket);
    await bed.client.send(new CreateBucketCommand({ Bucket: bucket }));
    return bed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** How the sink reaches the store, for a test to change. */
  get sinkStore(): S3SinkOptions['store'] {
    const { endpoint, region, accessKeyId, secretAccessKey } = this.#place;
    return {
      bucket: this.bucket,
      endpoint,
      region,
      forcePathStyle: true,
      credentials: async () => ({ accessKeyId, secretAccessKey }),
      timeouts: { connectMs: 5_000, idleMs: 10_000 },
    };
  }

  sink(more: Partial<S3SinkOptions> = {}): S3Sink {
    return new S3Sink({
      name: `s3:${this.bucket}`,
      store: this.sinkStore,
      verify: 'checksum',
      manifest: false,
      statePath: this.folder,
      patienceMs: 10_000,
      ...more,
    });
  }

  /** Stores a batch through a sink that lives for this batch only, as a run does. */
  async store(
    batch: readonly StorableMessage[],
    more: Partial<S3SinkOptions> = {},
  ): Promise<readonly StoreOutcome[]> {
    const sink = this.sink(more);
    try {
      const archive = await sink.openArchive(ALICE, new MemoryJournal());
      const { outcomes } = await archive.store(batch, NO_ABORT);
      await archive.close();
      return outcomes;
    } finally {
      await sink.close();
    }
  }

  /** Every key with its size, in order, without those of probes. */
  async keys(prefix = 'mail/'): Promise<string[]> {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const page = await this.client.send(
        new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, ContinuationToken: token }),
      );
      keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return keys.filter((key) => !key.includes(PROBE_KEY));
  }

  async octets(key: string): Promise<Buffer> {
    const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }
}

/** The account key of `mailferry-probe`, computed once by hand: a change of it would leave new objects in every bucket. */
export const PROBE_KEY = '8b903ed4064e5303';

export function openClient({ endpoint, region, accessKeyId, secretAccessKey }: S3Place): S3Client {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

export function storable(octets: Buffer | string, uidl = 'u1', copy = 0): StorableMessage {
  return { uidl, copy, message: messageFromBuffer(Buffer.from(octets)) };
}

export function receiptsOf(outcomes: readonly StoreOutcome[]): Receipt[] {
  return outcomes.map((outcome) => {
    if (outcome.kind === 'failed') throw outcome.error;
    return outcome.receipt;
  });
}
