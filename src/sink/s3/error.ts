/**
 * Failed requests of an object store, graded: the one table of what each means and what to do next. Decided by status and
 * code; a store's text is only shown.
 *
 * Codes are those of the S3 API reference ("Error responses"), of AWS KMS, and what Ceph and Swift were seen to answer.
 */
import { type ErrorFacts, MailferryError } from '../../errors/mailferry-error.ts';
import type { StoreFailure } from './object-store.ts';

/**
 * What to do about a failure. `again`: the outcome is unknown or will be better in a moment: the same request, later.
 * `renew`: with new credentials. `exists`: the condition of a conditional put was not met. `unsupported`: the store
 * does not know this kind of request. `give-up`: it will not pass in this run.
 */
export type Reaction = 'again' | 'renew' | 'exists' | 'unsupported' | 'give-up';

const RENEW: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'InvalidClientTokenId',
  'TokenRefreshRequired',
  'SignatureDoesNotMatch',
]);

const AGAIN: ReadonlySet<string> = new Set([
  'BadDigest',
  'ConditionalRequestConflict',
  'IncompleteBody',
  'InternalError',
  'OperationAborted',
  'RequestTimeout',
  // The SDK has learnt the store's time from this answer and signs with it from now on.
  'RequestTimeTooSkewed',
  'RequestExpired',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
]);

const AGAIN_STATUS: ReadonlySet<number> = new Set([408, 409, 425, 429]);

/** Failures of TLS that no repetition mends. */
const CERTIFICATE = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH)/;

export function reactionTo({ status, code }: Pick<StoreFailure, 'status' | 'code'>): Reaction {
  if (RENEW.has(code)) {
    return 'renew';
  }
  if (status === 412) {
    return 'exists';
  }
  if (status === 501 || code === 'NotImplemented') {
    return 'unsupported';
  }
  if (code in GIVE_UP || CERTIFICATE.test(code)) {
    return 'give-up';
  }
  if (status === undefined && code === 'Unknown') {
    // No answer and no failed system call: the SDK cannot even ask (no region, say).
    return 'give-up';
  }
  if (
    AGAIN.has(code) ||
    status === undefined ||
    status === 200 ||
    AGAIN_STATUS.has(status) ||
    status >= 500
  ) {
    return 'again';
  }
  return 'give-up';
}

type Grade = Pick<ErrorFacts, 'code' | 'scope' | 'retry' | 'hint'>;

const sinkNever = (code: string, hint: string): Grade => ({ code, scope: 'sink', retry: 'never', hint });

const NO_BUCKET = sinkNever(
  's3-no-bucket',
  'Make the bucket first, or correct `bucket`, `endpoint` and `forcePathStyle`; mailferry never makes one.',
);
const DENIED = sinkNever(
  's3-denied',
  'Allow this identity s3:PutObject and s3:GetObject on the bucket’s objects (docs/s3.md), with the permission of each setting: s3:PutObjectTagging for `tags`, s3:PutObjectRetention and s3:PutObjectLegalHold for `objectLock`.',
);
const CREDENTIALS = sinkNever(
  's3-credentials',
  'The store does not accept these credentials, nor those fetched anew: look at `credentials`, or at the environment, the profile or the role that they come from.',
);
const KMS = sinkNever(
  's3-kms',
  'Allow this identity kms:GenerateDataKey and kms:Decrypt on the key named in `encryption`, and see that the key is enabled and in the bucket’s region.',
);
const REGION = sinkNever('s3-region', 'Set `region` (and `endpoint`) to where the bucket is.');
const FULL = sinkNever(
  's3-full',
  'Raise the quota of the bucket or of its owner, or make room in the store.',
);
const SETTING = sinkNever(
  's3-setting-refused',
  'The store refuses a setting of this sink: look at `storageClass`, `encryption`, `objectLock` and `tags`.',
);
const CERTIFICATES = sinkNever(
  's3-certificate',
  'The certificate of the endpoint is not trusted: give its authority with NODE_EXTRA_CA_CERTS, or correct `endpoint`.',
);
const KEY_TOO_LONG = sinkNever('s3-key', 'Shorten `key`: an object’s key may have 1024 octets.');

const GIVE_UP: Readonly<Record<string, Grade>> = {
  NoSuchBucket: NO_BUCKET,
  InvalidBucketName: NO_BUCKET,
  AccessDenied: DENIED,
  AllAccessDisabled: DENIED,
  AccountProblem: DENIED,
  UserSuspended: DENIED,
  CredentialsProviderError: CREDENTIALS,
  PermanentRedirect: REGION,
  AuthorizationHeaderMalformed: REGION,
  IllegalLocationConstraintException: REGION,
  QuotaExceeded: FULL,
  InsufficientStorage: FULL,
  XMinioStorageFull: FULL,
  InvalidStorageClass: SETTING,
  InvalidRequest: SETTING,
  InvalidArgument: SETTING,
  InvalidTag: SETTING,
  InvalidEncryptionAlgorithmError: SETTING,
  ServerSideEncryptionConfigurationNotFoundError: SETTING,
  KeyTooLongError: KEY_TOO_LONG,
  EntityTooLarge: {
    code: 's3-too-large',
    scope: 'message',
    retry: 'never',
    hint: 'Leave messages of this size out with `select.smallerThan`, or allow larger objects in the store.',
  },
};

/** A failure for good, or after all repetitions; `doing` completes "cannot …": `put <key> into s3://bucket`. */
export function storeError(doing: string, failure: StoreFailure): MailferryError {
  const grade = gradeOf(failure);
  const said = failure.status === undefined ? failure.message : `HTTP ${failure.status}, ${failure.message}`;
  return new MailferryError(`cannot ${doing}: ${said}`, { ...grade, cause: failure });
}

function gradeOf(failure: StoreFailure): Grade {
  const { status, code } = failure;
  const listed = Object.hasOwn(GIVE_UP, code) ? GIVE_UP[code] : undefined;
  if (listed !== undefined) {
    return /kms/i.test(failure.message) && listed === DENIED ? KMS : listed;
  }
  if (/^KMS\./.test(code)) {
    return KMS;
  }
  if (CERTIFICATE.test(code)) {
    return CERTIFICATES;
  }
  if (code === 'MissingAfterPut') {
    return {
      code: 's3-lost',
      scope: 'sink',
      retry: 'later',
      hint: 'The store answers 200 to a put and does not have the object afterwards: look at it before anything is deleted at the source.',
    };
  }
  switch (reactionTo(failure)) {
    case 'renew':
      return CREDENTIALS;
    case 'again':
      return {
        code: 's3-unreachable',
        scope: 'sink',
        retry: 'later',
        hint: 'The store was tried several times; the next run goes on where this one stopped.',
      };
    case 'unsupported':
      return SETTING;
    default:
      if (status === 403 || status === 401) {
        return DENIED;
      }
      return status === 301 || status === 307
        ? REGION
        : sinkNever(
            's3-refused',
            'Look up what was answered in the store’s documentation; without an answer look at `region` and `endpoint`.',
          );
  }
}
