/**
 * Large messages go up in parts, some at a time, each repeated by itself. The whole carries a CRC-32 of all its octets (S3
 * has no SHA-256 over a whole object made of parts), so the octets are read back afterwards in any case.
 *
 * An upload that was begun is noted in the account's journal first: after a crash the next run ends it, since parts that
 * nobody ends are kept, and paid for, for ever.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Failpoint } from '../../errors/failpoint.ts';
import { readContent } from '../../message/content.ts';
import type { Message } from '../../message/message.ts';
import type { OctetRange } from '../../message/octet-range.ts';
import { forEachOf } from '../slots.ts';
import { bodyOf, crc32Text } from './content.ts';
import type { S3Journal } from './journal.ts';
import { type NewObject, type ObjectStore, type StoredPart, StoreFailure } from './object-store.ts';
import type { Retry } from './retry.ts';

/** S3's limit. */
const MAX_PARTS = 10_000;
/** Parts of one message in flight. */
const WIDTH = 4;
const ABORT_DEADLINE_MS = 10_000;

export interface MultipartOptions {
  readonly store: ObjectStore;
  readonly retry: Retry;
  readonly journal: S3Journal;
  readonly failpoint: Failpoint;
  readonly partOctets: number;
}

export interface LargeObject
  extends Pick<NewObject, 'key' | 'contentType' | 'metadata' | 'settings' | 'ifAbsent'> {
  readonly message: Message;
  /** Base64. */
  readonly crc32: string;
}

/** Puts an object in parts; whatever fails, no parts are left. @throws StoreFailure or MailferryError. */
export async function putInParts(
  { store, retry, journal, failpoint, partOctets }: MultipartOptions,
  object: LargeObject,
  signal: AbortSignal,
): Promise<{ versionId: string | undefined }> {
  const { key, message } = object;
  const uploadId = await retry.run(
    `begin an upload of ${key}`,
    () => store.startUpload(object, signal),
    signal,
  );
  failpoint('sink.s3.upload-begun');
  await journal.addUpload({ key, uploadId });
  failpoint('sink.s3.upload-noted');
  try {
    const size = Math.max(partOctets, Math.ceil(message.octets / MAX_PARTS));
    const parts: StoredPart[] = [];
    await forEachOf(rangesOf(message.octets, size), WIDTH, async (range, index) => {
      const digests = await digestsOf(message, range);
      const { octets } = range;
      const part = { key, uploadId, number: index + 1, content: bodyOf(message, range), octets, ...digests };
      parts[index] = await retry.run(
        `put part ${part.number} of ${key}`,
        () => store.putPart(part, signal),
        signal,
      );
      failpoint('sink.s3.part-answered');
    });
    const { octets } = message;
    const finished = await store.finishUpload(
      { key, uploadId, parts, octets, crc32: object.crc32, ifAbsent: object.ifAbsent },
      signal,
    );
    failpoint('sink.s3.upload-finished');
    await journal.removeUpload({ uploadId });
    return finished;
  } catch (thrown) {
    await endUpload(store, journal, { key, uploadId });
    throw thrown;
  }
}

/** Gives an upload up. Where that fails too it stays in the journal, and the next run tries again. */
export async function endUpload(
  store: ObjectStore,
  journal: S3Journal,
  upload: { readonly key: string; readonly uploadId: string },
): Promise<void> {
  try {
    // By a signal of its own: it is given up most often because the run is being stopped.
    await store.abortUpload(upload, AbortSignal.timeout(ABORT_DEADLINE_MS));
  } catch (thrown) {
    if (!(thrown instanceof StoreFailure)) {
      throw thrown;
    }
    if (thrown.status !== 404) {
      return;
    }
  }
  await journal.removeUpload(upload);
}

function rangesOf(octets: number, size: number): OctetRange[] {
  return Array.from({ length: Math.max(1, Math.ceil(octets / size)) }, (_, index) => {
    const start = index * size;
    return { start, octets: Math.min(size, octets - start) };
  });
}

async function digestsOf(message: Message, range: OctetRange): Promise<{ sha256: string; crc32: string }> {
  const sha256 = createHash('sha256');
  let crc = 0;
  for await (const chunk of readContent(message, range)) {
    sha256.update(chunk);
    crc = crc32(chunk, crc);
  }
  return { sha256: sha256.digest('hex'), crc32: crc32Text(crc) };
}
