/**
 * The one file that knows the AWS SDK: requests of the contract in object-store.ts become commands, answers become plain
 * data. It is loaded only when a job has an S3 sink (s3.ts), since loading it takes longer than all the rest.
 *
 * The SDK is told to repeat nothing and to add no checksums of its own: the payload's SHA-256 is known, is sent as the
 * object's checksum, and is signed, also for streams, since stores that ignore x-amz-checksum-* do refuse a body that does
 * not match its signature.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import {
  type $Command,
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { MailferryError } from '../../errors/mailferry-error.ts';
import { heldObject, putAnswer, settingsOf, storeFailure } from './answers.ts';
import {
  type BucketFacts,
  type FinishedUpload,
  type HeldObject,
  type KeyPage,
  type NewObject,
  type NewPart,
  type ObjectContent,
  type ObjectName,
  type ObjectStore,
  type PutAnswer,
  type StoredPart,
  StoreFailure,
} from './object-store.ts';
import type { S3Credentials, S3StoreOptions } from './options.ts';

/** What is read in one piece. */
const SMALL_OCTETS = 64 * 1024;
/** Without one it writes warnings to the console, in the middle of our report. */
const SILENT = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const USER_AGENT = 'mailferry aws-sdk-js/3';
/**
 * A copy of each request and answer for a log that is not kept; repetitions, of which there are none; a description of this
 * machine in each request; a trace of AWS Lambda. Together a tenth of the work.
 */
const UNUSED_MIDDLEWARE = ['loggerMiddleware', 'getUserAgentMiddleware', 'recursionDetectionMiddleware'];

export function openObjectStore(options: S3StoreOptions): ObjectStore {
  // The version of the SDK is pinned, so a line about Node versions that later ones will want helps no user.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return new SdkObjectStore(options);
}

class SdkObjectStore implements ObjectStore {
  readonly #bucket: string;
  readonly #client: S3Client;

  /** By the body of a request: the digest that the signer takes instead of hashing. */
  readonly #signedAs = new WeakMap<object, string>();
  /** The chains of middleware as they were put together for a kind of request, by the signal that ends it. */
  readonly #handlers = new WeakMap<AbortSignal, Map<unknown, unknown>>();

  constructor(options: S3StoreOptions) {
    this.#bucket = options.bucket;
    this.#client = makeClient(options, this.#signedAs);
  }

  async put(object: NewObject, signal: AbortSignal): Promise<PutAnswer> {
    const answer = await this.#withContent(object.content, (Body) => {
      const command = new PutObjectCommand({
        Bucket: this.#bucket,
        Key: object.key,
        Body,
        ContentLength: object.octets,
        ContentType: object.contentType,
        ContentMD5: object.md5,
        ChecksumSHA256: Buffer.from(object.falseChecksum ?? object.sha256, 'hex').toString('base64'),
        IfNoneMatch: object.ifAbsent ? '*' : undefined,
        Metadata: { ...object.metadata },
        ...settingsOf(object.settings),
      });
      this.#signedAs.set(Body, object.sha256);
      return this.#ask(command, signal);
    });
    return putAnswer(answer);
  }

  async head({ key, versionId }: ObjectName, signal: AbortSignal): Promise<HeldObject | undefined> {
    const command = new HeadObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      VersionId: versionId,
      ChecksumMode: 'ENABLED',
    });
    return await unlessMissing(async () => heldObject(await this.#ask(command, signal)));
  }

  async read(
    { key, versionId }: ObjectName,
    signal: AbortSignal,
  ): Promise<{ held: HeldObject; content: AsyncIterable<Buffer> } | undefined> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key, VersionId: versionId });
    return await unlessMissing(async () => {
      const answer = await this.#ask(command, signal);
      return { held: heldObject(answer), content: chunksOf(answer) };
    });
  }

  async startUpload(
    object: Pick<NewObject, 'key' | 'contentType' | 'metadata' | 'settings'>,
    signal: AbortSignal,
  ): Promise<string> {
    const command = new CreateMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: object.key,
      ContentType: object.contentType,
      Metadata: { ...object.metadata },
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
      ...settingsOf(object.settings),
    });
    const { UploadId } = await this.#send(() => this.#ask(command, signal));
    if (UploadId === undefined) {
      throw new StoreFailure('the store gave no id for a multipart upload', {
        status: 200,
        code: 'NoUploadId',
      });
    }
    return UploadId;
  }

  async putPart(part: NewPart, signal: AbortSignal): Promise<StoredPart> {
    const { key, uploadId, number } = part;
    const { ETag, ChecksumCRC32 } = await this.#withContent(part.content, (Body) => {
      const command = new UploadPartCommand({
        Bucket: this.#bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: number,
        Body,
        ContentLength: part.octets,
        ChecksumCRC32: part.crc32,
      });
      this.#signedAs.set(Body, part.sha256);
      return this.#ask(command, signal);
    });
    return { number, etag: ETag ?? '', crc32: ChecksumCRC32 };
  }

  async finishUpload(
    upload: FinishedUpload,
    signal: AbortSignal,
  ): Promise<{ versionId: string | undefined }> {
    const knowsChecksums = upload.parts.every((part) => part.crc32 !== undefined);
    const command = new CompleteMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: upload.key,
      UploadId: upload.uploadId,
      MultipartUpload: {
        Parts: upload.parts.map(({ number, etag, crc32 }) => ({
          PartNumber: number,
          ETag: etag,
          ChecksumCRC32: crc32,
        })),
      },
      ...(knowsChecksums
        ? { ChecksumCRC32: upload.crc32, ChecksumType: 'FULL_OBJECT', MpuObjectSize: upload.octets }
        : {}),
      IfNoneMatch: upload.ifAbsent ? '*' : undefined,
    });
    const { VersionId } = await this.#send(() => this.#ask(command, signal));
    return { versionId: VersionId };
  }

  async abortUpload(upload: { key: string; uploadId: string }, signal: AbortSignal): Promise<void> {
    const command = new AbortMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: upload.key,
      UploadId: upload.uploadId,
    });
    await this.#send(() => this.#ask(command, signal));
  }

  async list(prefix: string, after: string | undefined, signal: AbortSignal): Promise<KeyPage> {
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: prefix,
      StartAfter: after,
      // XML cannot hold every character that a key may have.
      EncodingType: 'url',
    });
    const { Contents = [], IsTruncated, EncodingType } = await this.#send(() => this.#ask(command, signal));
    const keys = Contents.flatMap(({ Key }) =>
      Key === undefined ? [] : [EncodingType === 'url' ? decodeKey(Key) : Key],
    );
    return { keys, isLast: IsTruncated !== true || keys.length === 0 };
  }

  async bucketFacts(signal: AbortSignal): Promise<BucketFacts> {
    const Bucket = this.#bucket;
    const versioning = await unlessRefused(async () => {
      const { Status } = await this.#ask(new GetBucketVersioningCommand({ Bucket }), signal);
      return Status === 'Enabled';
    });
    const objectLock = await unlessRefused(async () => {
      const answer = await this.#ask(new GetObjectLockConfigurationCommand({ Bucket }), signal);
      return answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
    });
    return { versioning, objectLock };
  }

  /** Temporary credentials have another id each hour; then what they stand for is named where the environment says it. */
  async identity(): Promise<string> {
    const { accessKeyId, sessionToken } = await this.#send(() => this.#client.config.credentials());
    const { AWS_ROLE_ARN, AWS_PROFILE } = process.env;
    return sessionToken === undefined ? accessKeyId : `temporary ${AWS_ROLE_ARN ?? AWS_PROFILE ?? ''}`;
  }

  async renewCredentials(): Promise<void> {
    await this.#send(() => this.#client.config.credentials({ forceRefresh: true }));
  }

  close(): void {
    this.#client.destroy();
  }

  /**
   * `send` of the SDK, without putting the chain of middleware together anew for each request, which takes as long as signing.
   * The SDK keeps chains too (`cacheMiddleware`), but only for requests that nothing can abort.
   */
  async #ask<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: $Command<Input, Output, S3ClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>,
    signal: AbortSignal,
  ): Promise<Output> {
    const handlers = this.#handlers.get(signal) ?? new Map<unknown, unknown>();
    this.#handlers.set(signal, handlers);
    const { middlewareStack, config } = this.#client;
    const handler =
      handlers.get(command.constructor) ??
      command.resolveMiddleware(middlewareStack, config, { abortSignal: signal });
    handlers.set(command.constructor, handler);
    // What is kept under a kind of command came out of a command of that kind.
    const { output } = await (handler as (asked: object) => Promise<{ output: Output }>)(command);
    return output;
  }

  /** What is read is closed whatever became of the request. */
  async #withContent<T>(content: ObjectContent, send: (body: Buffer | Readable) => Promise<T>): Promise<T> {
    if (content.kind === 'memory') {
      return await this.#send(() => send(content.buffer));
    }
    const body = Readable.from(content.read(), { objectMode: false });
    let unreadable: unknown;
    body.once('error', (thrown: unknown) => {
      unreadable = thrown;
    });
    try {
      return await this.#send(() => send(body));
    } catch (thrown) {
      throw unreadable instanceof MailferryError ? unreadable : thrown;
    } finally {
      body.destroy();
    }
  }

  async #send<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (thrown) {
      throw storeFailure(thrown);
    }
  }
}

/** As forms encode: a blank may come as `+`. */
function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '));
}

function makeClient(options: S3StoreOptions, signedAs: WeakMap<object, string>): S3Client {
  const { region, endpoint, forcePathStyle, credentials, connections, timeouts } = options;
  // Sockets are kept and used again; "first in, first out" would spread a few requests over all of them.
  const agent = { keepAlive: true, maxSockets: connections, scheduling: 'lifo' } as const;
  const client = new S3Client({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials: sdkCredentials(credentials) }),
    forcePathStyle,
    maxAttempts: 1,
    logger: SILENT,
    followRegionRedirects: false,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
      connectionTimeout: timeouts.connectMs,
      socketTimeout: timeouts.idleMs,
    },
  });
  for (const name of UNUSED_MIDDLEWARE) {
    client.middlewareStack.remove(name);
  }
  // In its place, since others are placed after it.
  client.middlewareStack.add((next) => next, {
    step: 'finalizeRequest',
    name: 'retryMiddleware',
    priority: 'high',
    override: true,
  });
  client.middlewareStack.add(withOurHeaders(signedAs), { step: 'build', name: 'withOurHeaders' });
  return client;
}

/** The signer takes a payload's digest from its header where it is there, and hashes nothing. */
function withOurHeaders(signedAs: WeakMap<object, string>) {
  return <Args extends { request: unknown }, Answer>(next: (args: Args) => Answer) =>
    (args: Args): Answer => {
      const { request } = args;
      if (typeof request === 'object' && request !== null && 'headers' in request) {
        const body = 'body' in request ? request.body : undefined;
        const sha256 = typeof body === 'object' && body !== null ? signedAs.get(body) : undefined;
        Object.assign(
          request.headers ?? {},
          { 'user-agent': USER_AGENT },
          sha256 === undefined ? {} : { 'x-amz-content-sha256': sha256 },
        );
      }
      return next(args);
    };
}

function sdkCredentials(provide: () => Promise<S3Credentials>) {
  return async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = await provide();
    return sessionToken === undefined
      ? { accessKeyId, secretAccessKey }
      : { accessKeyId, secretAccessKey, sessionToken };
  };
}

async function* chunksOf({
  Body: body,
  ContentLength: octets,
}: GetObjectCommandOutput): AsyncGenerator<Buffer> {
  if (!(body instanceof Readable)) {
    throw new StoreFailure('the store sent no body', { status: 200, code: 'NoBody' });
  }
  try {
    if (octets !== undefined && octets <= SMALL_OCTETS) {
      // At once: iterating over a stream costs as much as all the rest of a small request.
      yield Buffer.from(await body.transformToByteArray());
      return;
    }
    for await (const chunk of body) {
      yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
    }
  } catch (thrown) {
    throw storeFailure(thrown, undefined);
  }
}

async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (thrown) {
    const failure = storeFailure(thrown);
    if (failure.status === 404 && failure.code !== 'NoSuchBucket') {
      return undefined;
    }
    throw failure;
  }
}

async function unlessRefused<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (thrown) {
    const failure = storeFailure(thrown);
    if (failure.code === 'ObjectLockConfigurationNotFoundError') {
      // The answer of a bucket that has none.
      return undefined;
    }
    if (failure.status !== undefined && failure.status < 500 && failure.code !== 'NoSuchBucket') {
      return undefined;
    }
    if (failure.status === 501) {
      return undefined;
    }
    throw failure;
  }
}
