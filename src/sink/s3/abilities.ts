/**
 * What an object store keeps of what S3 promises, found out by asking it: most stores that speak S3 lack something, and some
 * accept a header and ignore it. A probe writes a small object (at most three, for ever the same, never deleted, since a job
 * has no right to delete) where a message of an account `mailferry-probe` would be.
 */
import { hash } from 'node:crypto';
import { type NewObject, type ObjectStore, StoreFailure } from './object-store.ts';
import type { Retry } from './retry.ts';

export interface Abilities {
  /** `If-None-Match: *` on a put: kept, accepted and ignored, or refused (501). */
  readonly conditionalPut: 'kept' | 'ignored' | 'refused';
  /** SHA-256 on HEAD: compared with the octets and given back; given back uncompared; not given; HEAD is not allowed. */
  readonly checksum: 'kept' | 'unchecked' | 'absent' | 'denied';
  /** Whether a body that differs from its signed digest is refused. */
  readonly signedPayload: 'kept' | 'ignored';
  readonly read: 'allowed' | 'denied' | 'wrong';
  readonly contentMd5: 'asked' | 'not-asked';
  /** Whether an object's ETag is the MD5 of its octets. */
  readonly etag: 'md5' | 'other';
  /** Of the bucket; undefined where it may not be asked. */
  readonly versioning?: boolean | undefined;
  readonly objectLock?: boolean | undefined;
  /** Milliseconds since 1970. */
  readonly probedAt: number;
  /** Whose rights were met: hex digits. */
  readonly identity: string;
}

export interface ProbeOptions {
  readonly store: ObjectStore;
  readonly retry: Retry;
  /** The key for an object of these octets. */
  readonly keyFor: (sha256: string) => string;
  readonly settings: NewObject['settings'];
  readonly now: () => number;
  readonly identity: string;
  readonly signal: AbortSignal;
}

const sha256Of = (octets: Buffer): string => hash('sha256', octets, 'hex');
const QUESTION = Buffer.from('mailferry asks what this object store keeps\n');
const FALSE_CHECKSUM = Buffer.from('mailferry asks whether a false checksum is refused\n');
const FALSE_PAYLOAD = Buffer.from('mailferry asks whether a body unlike its signature is refused\n');

/** @throws MailferryError (scope sink) where the store cannot be reached, or takes no objects from us at all. */
export async function probeStore(options: ProbeOptions): Promise<Abilities> {
  const contentMd5 = await askForMd5(options);
  const conditionalPut = await askForConditions(options, contentMd5);
  // Under a condition where that is kept: a bucket's policy may allow no other puts.
  const asking = { md5From: contentMd5, ifAbsent: conditionalPut === 'kept' };
  const { read, etag } = await askToRead(options);
  const checksum = await askForChecksum(options, asking);
  const signedPayload = await askForSignature(options, asking);
  const bucket = await options.retry.run(
    'ask about the bucket',
    () => options.store.bucketFacts(options.signal),
    options.signal,
  );
  return {
    conditionalPut,
    checksum,
    signedPayload,
    read,
    contentMd5,
    etag,
    ...bucket,
    probedAt: options.now(),
    identity: options.identity,
  };
}

type Md5 = Abilities['contentMd5'];
type Answer = 'accepted' | 'exists' | 'unsupported';

type Asking = Pick<Question, 'md5From' | 'ifAbsent'>;

interface Question {
  readonly octets: Buffer;
  readonly md5From: Md5;
  readonly ifAbsent?: boolean;
  /** Where the signed digest shall be a false one. */
  readonly sha256?: string;
  readonly falseChecksum?: string;
}

function questionObject({ keyFor, settings }: ProbeOptions, question: Question): NewObject {
  const { octets, md5From, ifAbsent = false, falseChecksum } = question;
  const sha256 = sha256Of(octets);
  return {
    key: keyFor(sha256),
    content: { kind: 'memory', buffer: octets },
    octets: octets.length,
    sha256: question.sha256 ?? sha256,
    falseChecksum,
    md5: md5From === 'asked' ? hash('md5', octets, 'base64') : undefined,
    contentType: 'text/plain',
    metadata: { 'mailferry-probe': '1' },
    ifAbsent,
    settings,
  };
}

async function put(options: ProbeOptions, question: Question): Promise<Answer> {
  const { store, retry, signal } = options;
  const object = questionObject(options, question);
  try {
    await retry.run(`put ${object.key}`, () => store.put(object, signal), signal);
    return 'accepted';
  } catch (thrown) {
    if (thrown instanceof StoreFailure) {
      return thrown.status === 412 ? 'exists' : 'unsupported';
    }
    throw thrown;
  }
}

/** A store that asks for Content-MD5 says so by a 400 that names it. */
async function askForMd5(options: ProbeOptions): Promise<Md5> {
  try {
    await put(options, { octets: QUESTION, ifAbsent: true, md5From: 'not-asked' });
    return 'not-asked';
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure?.status === 400 && /content-?md5/i.test(failure.message)) {
      return 'asked';
    }
    throw thrown;
  }
}

async function askForConditions(options: ProbeOptions, md5From: Md5): Promise<Abilities['conditionalPut']> {
  const answer = await put(options, { octets: QUESTION, ifAbsent: true, md5From });
  if (answer === 'unsupported') {
    await put(options, { octets: QUESTION, md5From });
    return 'refused';
  }
  // The object is there since `askForMd5`, or for longer.
  const again = await put(options, { octets: QUESTION, ifAbsent: true, md5From });
  return again === 'exists' ? 'kept' : 'ignored';
}

async function askToRead({
  store,
  retry,
  keyFor,
  signal,
}: ProbeOptions): Promise<Pick<Abilities, 'read' | 'etag'>> {
  const key = keyFor(sha256Of(QUESTION));
  const md5 = hash('md5', QUESTION, 'hex');
  const denied = { read: 'denied', etag: 'other' } as const;
  return await unlessDenied(denied, () =>
    retry.run(
      `get ${key}`,
      async () => {
        const answer = await store.read({ key, versionId: undefined }, signal);
        const chunks: Buffer[] = [];
        for await (const chunk of answer?.content ?? []) {
          chunks.push(chunk);
        }
        const read: Abilities['read'] = Buffer.concat(chunks).equals(QUESTION) ? 'allowed' : 'wrong';
        const etag: Abilities['etag'] = answer?.held.etag === md5 ? 'md5' : 'other';
        return { read, etag };
      },
      signal,
    ),
  );
}

async function askForChecksum(options: ProbeOptions, asking: Asking): Promise<Abilities['checksum']> {
  const { store, retry, keyFor, signal } = options;
  const key = keyFor(sha256Of(QUESTION));
  const onHead = await unlessDenied('denied', () =>
    retry.run(
      `head ${key}`,
      async () => (await store.head({ key, versionId: undefined }, signal))?.sha256,
      signal,
    ),
  );
  if (onHead !== sha256Of(QUESTION)) {
    return onHead === 'denied' ? 'denied' : 'absent';
  }
  return (await isRefused(options, { octets: FALSE_CHECKSUM, falseChecksum: sha256Of(QUESTION), ...asking }))
    ? 'kept'
    : 'unchecked';
}

async function askForSignature(options: ProbeOptions, asking: Asking): Promise<Abilities['signedPayload']> {
  return (await isRefused(options, { octets: FALSE_PAYLOAD, sha256: sha256Of(QUESTION), ...asking }))
    ? 'kept'
    : 'ignored';
}

/** One put that must fail, without repetition. */
async function isRefused(options: ProbeOptions, question: Question): Promise<boolean> {
  try {
    await options.store.put(questionObject(options, question), options.signal);
    return false;
  } catch (thrown) {
    const status = failureOf(thrown)?.status;
    // Anything else proves nothing (a time-out, a policy, an object that is there because it was once accepted).
    return status === 400;
  }
}

async function unlessDenied<T, Denied>(denied: Denied, ask: () => Promise<T>): Promise<T | Denied> {
  try {
    return await ask();
  } catch (thrown) {
    const status = failureOf(thrown)?.status;
    if (status === 403 || status === 401) {
      return denied;
    }
    throw thrown;
  }
}

/** The store's own answer, out of the graded error that was made of it. */
function failureOf(thrown: unknown): StoreFailure | undefined {
  if (thrown instanceof StoreFailure) {
    return thrown;
  }
  return thrown instanceof Error && thrown.cause instanceof StoreFailure ? thrown.cause : undefined;
}
