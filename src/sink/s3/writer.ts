/**
 * One message on its way into the store: put under a key that follows from it, then looked at where it lies (or, where the job
 * does not read back and the store's answer proves the octets, not looked at), and only then a receipt. Every step may be repeated after any failure: the key and the octets stay the same, the put is conditional, and
 * what is found in its place is compared before it counts (promise 8).
 */
import { passWhile } from '../../errors/failpoint.ts';
import { MailferryError } from '../../errors/mailferry-error.ts';
import type { Receipt, StorableMessage } from '../sink.ts';
import type { Abilities } from './abilities.ts';
import { bodyOf, type ContentDigests, inspectContent } from './content.ts';
import { storeError } from './error.ts';
import { formatLocation, metadataOf } from './key.ts';
import { type MultipartOptions, putInParts } from './multipart.ts';
import { type NewObject, type ObjectStore, type PutAnswer, StoreFailure } from './object-store.ts';
import type { S3Clock, S3SinkOptions } from './options.ts';
import { type Finding, findOut } from './proof.ts';
import type { Retry } from './retry.ts';
import { assertSettings, settingsFor } from './settings.ts';

export interface WriterOptions extends MultipartOptions {
  readonly settings: S3SinkOptions;
  readonly store: ObjectStore;
  readonly retry: Retry;
  readonly clock: S3Clock;
  readonly abilities: Abilities;
  readonly accountKey: string;
  readonly keyFor: (storable: Pick<StorableMessage, 'copy' | 'message'>) => string;
  readonly multipartOctets: number;
  /** `s3://bucket`, for messages. */
  readonly bucket: string;
}

/** What came of a put: ours is there now, or something was there before. */
interface Placed {
  readonly isFresh: boolean;
  readonly versionId: string | undefined;
  /** The answer says what the store has taken, and is to be believed. */
  readonly isAnswerProof: boolean;
}

/** The rest of what a put needs, made once. */
interface Prepared extends Pick<NewObject, 'key' | 'contentType' | 'metadata' | 'settings'> {
  readonly digests: ContentDigests;
  readonly isLarge: boolean;
}

export class S3Writer {
  readonly #options: WriterOptions;
  #hasConditions: boolean;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#hasConditions = options.abilities.conditionalPut === 'kept';
  }

  /** @throws MailferryError scope message (this one cannot be stored) or sink. */
  async store(storable: StorableMessage, signal: AbortSignal): Promise<Receipt> {
    const { retry, bucket, failpoint } = this.#options;
    const prepared = await this.#prepare(storable);
    const { key } = prepared;
    let placed: Placed | undefined;
    const request = async (): Promise<{ placed: Placed; finding: Finding }> => {
      placed ??= await passWhile(this.#place(storable, prepared, signal), failpoint, 'sink.s3.put-begun');
      failpoint('sink.s3.put-answered');
      const finding: Finding =
        placed.isAnswerProof && !this.#mustLook
          ? { kind: 'answered' }
          : await this.#findOut(storable, { key, versionId: placed.versionId }, prepared, signal);
      if (finding.kind === 'missing') {
        // Either somebody removed it this moment, or the store's 200 was worth nothing: from the start.
        placed = undefined;
        throw new StoreFailure('it took the object and then did not have it', {
          status: 200,
          code: 'MissingAfterPut',
        });
      }
      return { placed, finding };
    };
    const doing = `put ${key} into ${bucket}`;
    try {
      const done = await retry.run(doing, request, signal);
      failpoint('sink.s3.proved');
      return this.#receiptFor(storable, prepared, done.placed, done.finding);
    } catch (thrown) {
      throw thrown instanceof StoreFailure ? storeError(doing, thrown) : thrown;
    }
  }

  async #prepare(storable: StorableMessage): Promise<Prepared> {
    const { settings, abilities, accountKey, clock, keyFor, multipartOctets } = this.#options;
    const { message } = storable;
    const isLarge = message.octets > multipartOctets;
    const wantsMd5 = this.#sendsMd5 || (!this.#mustLook && abilities.etag === 'md5');
    return {
      digests: await inspectContent(message, { md5: wantsMd5, crc32: isLarge }),
      isLarge,
      key: keyFor(storable),
      contentType: 'message/rfc822',
      metadata: { ...settings.metadata, ...metadataOf(accountKey, storable) },
      settings: settingsFor(settings, clock.now()),
    };
  }

  async #place(storable: StorableMessage, prepared: Prepared, signal: AbortSignal): Promise<Placed> {
    if (!this.#hasConditions || prepared.isLarge) {
      // The job's lock keeps other runs away, so nothing of ours comes in between. For parts it saves sending them.
      const held = await this.#options.store.head({ key: prepared.key, versionId: undefined }, signal);
      if (held !== undefined) {
        return { isFresh: false, versionId: held.versionId, isAnswerProof: false };
      }
    }
    try {
      return await this.#put(storable, prepared, signal);
    } catch (thrown) {
      if (!(thrown instanceof StoreFailure)) {
        throw thrown;
      }
      if (thrown.status === 412) {
        return { isFresh: false, versionId: undefined, isAnswerProof: false };
      }
      if (thrown.status === 501 && this.#hasConditions) {
        this.#hasConditions = false;
        return await this.#place(storable, prepared, signal);
      }
      throw thrown;
    }
  }

  async #put({ message }: StorableMessage, prepared: Prepared, signal: AbortSignal): Promise<Placed> {
    const ifAbsent = this.#hasConditions;
    const { key, digests, contentType, metadata, settings } = prepared;
    if (prepared.isLarge) {
      const { crc32 } = digests;
      const large = { key, contentType, metadata, settings, message, ifAbsent, crc32 };
      const { versionId } = await putInParts(this.#options, large, signal);
      return { isFresh: true, versionId, isAnswerProof: false };
    }
    const { octets, sha256 } = message;
    const md5 = this.#sendsMd5 ? digests.md5?.toString('base64') : undefined;
    const object = { key, md5, contentType, metadata, settings, octets, sha256, ifAbsent };
    const answer = await this.#options.store.put({ ...object, content: bodyOf(message) }, signal);
    const isAnswerProof = provesContent(answer, sha256, digests.md5, this.#options.abilities);
    return { isFresh: true, versionId: answer.versionId, isAnswerProof };
  }

  /** AWS wants a checksum with Object Lock, which it has; other stores want Content-MD5. */
  get #sendsMd5(): boolean {
    const { abilities, settings } = this.#options;
    return abilities.contentMd5 === 'asked' || settings.lock !== undefined || settings.legalHold === true;
  }

  /** Whether a store kept its settings shows only where the object is looked at. */
  get #mustLook(): boolean {
    const { verify, encryption, lock, legalHold } = this.#options.settings;
    return verify !== 'answer' || encryption !== undefined || lock !== undefined || legalHold === true;
  }

  async #findOut(
    { message }: StorableMessage,
    name: { readonly key: string; readonly versionId: string | undefined },
    { isLarge }: Prepared,
    signal: AbortSignal,
  ): Promise<Finding> {
    const { store, abilities, settings } = this.#options;
    const mustRead = isLarge || settings.verify === 'read';
    const trust = mustRead ? { ...abilities, checksum: 'absent' as const } : abilities;
    return await findOut(store, name, message, trust, signal);
  }

  #receiptFor(
    { message }: StorableMessage,
    { key, settings }: Prepared,
    { isFresh, versionId }: Placed,
    finding: Finding,
  ): Receipt {
    if (finding.kind === 'different' || finding.kind === 'missing') {
      const detail = finding.kind === 'different' ? finding.detail : 'nothing is there';
      throw isFresh ? changed(key, detail) : conflict(key, detail);
    }
    if (finding.kind === 'unknown' && !isFresh) {
      throw conflict(key, 'something is there, and it may not be read');
    }
    let version = versionId;
    if (finding.kind === 'same') {
      assertSettings(finding.held, settings, isFresh, key);
      version ??= finding.held.versionId;
    }
    return {
      location: formatLocation({ key, versionId: version }),
      form: 'exact',
      storedOctets: message.octets,
      sha256: message.sha256,
      proof: finding.kind === 'same' ? finding.proof : 'synced',
      provedAt: this.#options.clock.now(),
    };
  }
}

/** A store that compares checksums tells ours; one that compares the signed body tells the MD5 that we have taken of it too. */
function provesContent(
  { sha256, etag }: PutAnswer,
  expected: string,
  md5: Buffer | undefined,
  abilities: Abilities,
): boolean {
  const isChecksum = abilities.checksum === 'kept' && sha256 === expected;
  const isMd5 =
    abilities.signedPayload === 'kept' && abilities.etag === 'md5' && etag === md5?.toString('hex');
  return isChecksum || (isMd5 && md5 !== undefined);
}

/** Something else under our key: never overwritten, and without a receipt nothing is deleted at the source. */
function conflict(key: string, detail: string): MailferryError {
  return new MailferryError(`another object has the key ${key}: ${detail}`, {
    code: 's3-conflict',
    scope: 'message',
    retry: 'never',
    hint: 'Nothing was overwritten, and the message stays where it is: look at that object, or give the job another `key`.',
  });
}

function changed(key: string, detail: string): MailferryError {
  return new MailferryError(`the store holds ${key} otherwise than it was sent: ${detail}`, {
    code: 's3-changed',
    scope: 'message',
    retry: 'never',
    hint: 'It has no receipt and stays on the server: look at the store, or at what lies between it and this machine.',
  });
}
