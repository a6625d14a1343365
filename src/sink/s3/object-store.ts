/**
 * What the S3 sink asks of an object store: a few requests, their answers as plain data, and one kind of failure. Beneath it
 * is the SDK (client.ts), above it everything that decides. It must not know of messages, accounts or receipts.
 *
 * Each method is one request, or fails: nothing is repeated below this line, since only who knows what a repetition would do
 * may repeat (retry.ts).
 */

/** Octets of a request: a buffer, or what is read anew by each attempt. */
export type ObjectContent =
  | { readonly kind: 'memory'; readonly buffer: Buffer }
  /** Throws a MailferryError where it cannot be read. */
  | { readonly kind: 'stream'; readonly read: () => AsyncIterable<Buffer> };

export interface NewObject {
  readonly key: string;
  readonly content: ObjectContent;
  readonly octets: number;
  /** 64 hex digits; sent as the object's checksum and signed as the payload's. */
  readonly sha256: string;
  /** Another checksum to send than the payload's: only a probe, which wants to see it refused. */
  readonly falseChecksum?: string | undefined;
  /** Base64, where the store asks for Content-MD5. */
  readonly md5: string | undefined;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** `If-None-Match: *`: refused with 412 where the key is taken. */
  readonly ifAbsent: boolean;
  /** What the job asks for beyond the octets. */
  readonly settings: ObjectSettings;
}

export interface ObjectSettings {
  readonly storageClass?: string | undefined;
  readonly encryption?: EncryptionSettings | undefined;
  readonly lock?: { readonly mode: LockMode; readonly retainUntil: number } | undefined;
  readonly legalHold?: boolean | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

export interface EncryptionSettings {
  readonly sse: 'AES256' | 'aws:kms';
  readonly kmsKeyId?: string | undefined;
  readonly bucketKey?: boolean | undefined;
}

export type LockMode = 'GOVERNANCE' | 'COMPLIANCE';

/** What the store says of an object that it holds; undefined where it says nothing. */
export interface HeldObject {
  readonly octets: number;
  /** Hex; of the whole object only: a checksum of checksums (multipart) is left out. */
  readonly sha256: string | undefined;
  readonly versionId: string | undefined;
  /** Without its quotes. */
  readonly etag: string | undefined;
  readonly encryption: string | undefined;
  readonly lockMode: string | undefined;
  /** Milliseconds since 1970. */
  readonly retainUntil: number | undefined;
  readonly legalHold: boolean | undefined;
}

/** What the store says at once of an object that it has taken. */
export interface PutAnswer {
  readonly versionId: string | undefined;
  /** Hex; as `HeldObject.sha256`. */
  readonly sha256: string | undefined;
  /** Without its quotes. */
  readonly etag: string | undefined;
}

/** Names one object, in one version where that is known. */
export interface ObjectName {
  readonly key: string;
  readonly versionId: string | undefined;
}

export interface NewPart {
  readonly key: string;
  readonly uploadId: string;
  /** From 1. */
  readonly number: number;
  readonly content: ObjectContent;
  readonly octets: number;
  /** Hex; signed. */
  readonly sha256: string;
  /** Base64 of the four octets. */
  readonly crc32: string;
}

export interface StoredPart {
  readonly number: number;
  readonly etag: string;
  /** As the store gave it back; undefined where it does not know checksums, and then none may be sent at the end. */
  readonly crc32: string | undefined;
}

export interface FinishedUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly parts: readonly StoredPart[];
  readonly octets: number;
  /** Base64, of the whole object. */
  readonly crc32: string;
  readonly ifAbsent: boolean;
}

export interface KeyPage {
  readonly keys: readonly string[];
  readonly isLast: boolean;
}

export interface BucketFacts {
  readonly versioning: boolean | undefined;
  readonly objectLock: boolean | undefined;
}

/** @throws StoreFailure from every method that asks the store. */
export interface ObjectStore {
  put(object: NewObject, signal: AbortSignal): Promise<PutAnswer>;
  /** In checksum mode. Undefined where there is no such object (or, with status 404 alone, no such bucket). */
  head(name: ObjectName, signal: AbortSignal): Promise<HeldObject | undefined>;
  /** The content must be read to its end or given up by `return`. */
  read(
    name: ObjectName,
    signal: AbortSignal,
  ): Promise<{ readonly held: HeldObject; readonly content: AsyncIterable<Buffer> } | undefined>;
  startUpload(
    object: Pick<NewObject, 'key' | 'contentType' | 'metadata' | 'settings'>,
    signal: AbortSignal,
  ): Promise<string>;
  putPart(part: NewPart, signal: AbortSignal): Promise<StoredPart>;
  finishUpload(
    upload: FinishedUpload,
    signal: AbortSignal,
  ): Promise<{ readonly versionId: string | undefined }>;
  abortUpload(
    upload: { readonly key: string; readonly uploadId: string },
    signal: AbortSignal,
  ): Promise<void>;
  /** One page of the keys that begin so, in order, after `after`; `isLast` where there are no more. */
  list(prefix: string, after: string | undefined, signal: AbortSignal): Promise<KeyPage>;
  /** What the bucket says of itself; what may not be asked is undefined. */
  bucketFacts(signal: AbortSignal): Promise<BucketFacts>;
  /** Who asks, as far as it stays the same from run to run: what may be asked depends on it. No secret. */
  identity(): Promise<string>;
  /** Fetches credentials anew, wherever they come from. */
  renewCredentials(): Promise<void>;
  close(): void;
}

/** A request that was not answered with success. */
export class StoreFailure extends Error {
  /** HTTP status; undefined where no answer came: its outcome is unknown. */
  readonly status: number | undefined;
  /** The store's word (`SlowDown`), or the system's (`ECONNRESET`); `Unknown` where there is none. */
  readonly code: string;

  constructor(text: string, facts: { status: number | undefined; code: string }) {
    super(text);
    this.name = 'StoreFailure';
    this.status = facts.status;
    this.code = facts.code;
  }
}
