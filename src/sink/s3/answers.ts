/**
 * Between the SDK's words and those of object-store.ts: settings on their way out, answers and errors on their way in. It knows
 * the SDK by the shape of its data alone, so that one file imports it (s3-client.ts). Pure.
 */
import { MailferryError, systemCodeOf, textOf } from '../../errors/mailferry-error.ts';
import { type HeldObject, type ObjectSettings, type PutAnswer, StoreFailure } from './object-store.ts';

/** What HeadObject and GetObject both answer, as far as it is used. */
interface HeldAnswer {
  readonly ContentLength?: number | undefined;
  readonly ChecksumSHA256?: string | undefined;
  readonly ChecksumType?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly ETag?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
  readonly ObjectLockMode?: string | undefined;
  readonly ObjectLockRetainUntilDate?: Date | undefined;
  readonly ObjectLockLegalHoldStatus?: string | undefined;
}

export function settingsOf({ storageClass, encryption, lock, legalHold, tags }: ObjectSettings) {
  return {
    // The SDK's types list the classes that AWS had when it was made; stores have others.
    StorageClass: storageClass as 'STANDARD' | undefined,
    ServerSideEncryption: encryption?.sse,
    SSEKMSKeyId: encryption?.kmsKeyId,
    BucketKeyEnabled: encryption?.bucketKey,
    ObjectLockMode: lock?.mode,
    ObjectLockRetainUntilDate: lock === undefined ? undefined : new Date(lock.retainUntil),
    ObjectLockLegalHoldStatus: legalHold === true ? ('ON' as const) : undefined,
    Tagging: tags === undefined ? undefined : new URLSearchParams(tags).toString(),
  };
}

export function putAnswer(
  answer: Pick<HeldAnswer, 'ChecksumSHA256' | 'ChecksumType' | 'VersionId' | 'ETag'>,
): PutAnswer {
  return {
    versionId: answer.VersionId,
    sha256: wholeSha256(answer.ChecksumSHA256, answer.ChecksumType),
    etag: unquoted(answer.ETag),
  };
}

function unquoted(etag: string | undefined): string | undefined {
  return etag?.replaceAll('"', '');
}

export function heldObject(answer: HeldAnswer): HeldObject {
  return {
    octets: answer.ContentLength ?? -1,
    sha256: wholeSha256(answer.ChecksumSHA256, answer.ChecksumType),
    versionId: answer.VersionId,
    etag: unquoted(answer.ETag),
    encryption: answer.ServerSideEncryption,
    lockMode: answer.ObjectLockMode,
    retainUntil: answer.ObjectLockRetainUntilDate?.getTime(),
    legalHold:
      answer.ObjectLockLegalHoldStatus === undefined ? undefined : answer.ObjectLockLegalHoldStatus === 'ON',
  };
}

/** A checksum of parts' checksums ends in `-` and their number, or says that it is composite. */
function wholeSha256(checksum: string | undefined, type: string | undefined): string | undefined {
  if (checksum === undefined || type === 'COMPOSITE' || !/^[A-Za-z0-9+/]{43}=$/.test(checksum)) {
    return undefined;
  }
  return Buffer.from(checksum, 'base64').toString('hex');
}

/** Says what the SDK said and keeps nothing of it: its errors hold the request, and that holds a session token. */
export function storeFailure(thrown: unknown, status = statusOf(thrown)): StoreFailure {
  if (thrown instanceof StoreFailure) {
    return thrown;
  }
  if (thrown instanceof MailferryError) {
    // A secret that cannot be had while credentials are fetched: graded already.
    throw thrown;
  }
  const name = thrown instanceof Error && !MEANINGLESS.has(thrown.name) ? thrown.name : undefined;
  const word = status === undefined ? (systemCodeOf(thrown) ?? name) : name;
  const code = word ?? 'Unknown';
  const text = textOf(thrown);
  return new StoreFailure(text === code ? code : `${code}: ${text}`, { status, code });
}

/** What the SDK calls an answer without a body, as every failed HEAD is. */
const MEANINGLESS: ReadonlySet<string> = new Set(['Error', 'UnknownError', 'Unknown', '400', '403']);

/** The HTTP status of an error that is an answer; undefined where none came. */
function statusOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error && '$fault' in thrown && '$metadata' in thrown)) {
    return undefined;
  }
  const metadata = thrown.$metadata;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  return typeof status === 'number' ? status : undefined;
}
