/**
 * Archives in an S3 bucket, an object for each message. What makes it safe to repeat: a key that follows from the account
 * and the digest, a put that is refused where the key is taken, and a look at what is there before a receipt is given.
 *
 * The SDK is loaded with the first archive that opens, and what the store can do is found out then, once, and kept.
 */
import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Failpoint, NO_FAILPOINT } from '../../errors/failpoint.ts';
import { MailferryError, systemCodeOf } from '../../errors/mailferry-error.ts';
import { readContent } from '../../message/content.ts';
import { NODE_DISK } from '../disk.ts';
import { makeFolders } from '../durable-folder.ts';
import type {
  ReadablePlace,
  Sink,
  SinkAccount,
  SinkArchive,
  SinkJournal,
  SinkReader,
  StorableMessage,
} from '../sink.ts';
import { sinkError } from '../sink-error.ts';
import { Slots } from '../slots.ts';
import { type Abilities, probeStore } from './abilities.ts';
import { readAbilities, writeAbilities } from './abilities-file.ts';
import { S3Archive } from './archive.ts';
import { storeError } from './error.ts';
import { S3Journal } from './journal.ts';
import { accountKeyOf, defaultPattern, formatRoot, type KeyPattern, keyOf } from './key.ts';
import { accountKeyOfFile, ManifestWriter, type ReadyManifest } from './manifest.ts';
import { endUpload } from './multipart.ts';
import { type ObjectStore, StoreFailure } from './object-store.ts';
import {
  DEFAULT_S3_LIMITS,
  type S3Clock,
  type S3Limits,
  type S3SinkOptions,
  SYSTEM_CLOCK,
} from './options.ts';
import { findOut } from './proof.ts';
import { S3Reader } from './reader.ts';
import { Retry } from './retry.ts';
import { settingsFor } from './settings.ts';
import { S3Writer } from './writer.ts';

/** The account where a probe's objects lie. */
const PROBE: SinkAccount = { id: 'mailferry-probe', host: '', user: '' };

/** A store that is open, and what is known of it. */
interface Opened {
  readonly store: ObjectStore;
  readonly retry: Retry;
  readonly abilities: Abilities;
}

export class S3Sink implements Sink {
  readonly name: string;
  readonly #options: S3SinkOptions;
  readonly #limits: S3Limits;
  readonly #clock: S3Clock;
  readonly #slots: Slots;
  readonly #folder: string;
  readonly #openAccounts = new Set<string>();
  #opened: Promise<Opened> | undefined;
  #store: ObjectStore | undefined;

  constructor(options: S3SinkOptions) {
    this.name = options.name;
    this.#options = options;
    this.#limits = { ...DEFAULT_S3_LIMITS, ...options.limits };
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#slots = new Slots(this.#limits.total);
    this.#folder = join(options.statePath, `s3-${hash('sha256', options.name, 'hex').slice(0, 16)}`);
  }

  async openArchive(account: SinkAccount, journal: SinkJournal): Promise<SinkArchive> {
    this.#lock(account);
    try {
      return await this.#openLocked(account, journal);
    } catch (thrown) {
      this.#openAccounts.delete(account.id);
      throw thrown;
    }
  }

  /** Reads beside whoever writes; nothing is asked of the store but the objects, and nothing is put. */
  async openReader(place: ReadablePlace): Promise<SinkReader> {
    return new S3Reader(await this.#openStore(), place);
  }

  /** Asks the store anew what it can do, and keeps the answer. @throws MailferryError scope sink. */
  async probe(signal: AbortSignal): Promise<Abilities> {
    const { store, retry } = await this.#openStore();
    return await this.#probe(store, retry, signal);
  }

  /** Sends what manifests are left (of a run that was killed, of an account whose store was away), then lets go. */
  async close(): Promise<void> {
    try {
      await this.#sendLeftManifests();
    } finally {
      this.#store?.close();
      this.#store = undefined;
      this.#opened = undefined;
    }
  }

  async #openLocked(account: SinkAccount, journal: SinkJournal): Promise<SinkArchive> {
    const { store, retry, abilities } = await this.#ready();
    const noted = new S3Journal(journal);
    for (const upload of noted.openUploads) {
      await endUpload(store, noted, upload);
      this.#failpoint('sink.s3.upload-ended');
    }
    const accountKey = accountKeyOf(account.id);
    const pattern = this.#patternFor(account, accountKey);
    const keyFor = ({ copy, message: { sha256 } }: Pick<StorableMessage, 'copy' | 'message'>): string =>
      keyOf(pattern, { sha256, copy, generation: noted.generationOf({ sha256, copy }) });
    const { multipartOctets, partOctets, perAccount } = this.#limits;
    const bucket = `s3://${this.#options.store.bucket}`;
    const writer = new S3Writer({
      ...{ store, retry, abilities, accountKey, keyFor, bucket, multipartOctets, partOctets },
      ...{ journal: noted, failpoint: this.#failpoint },
      settings: this.#options,
      clock: this.#clock,
    });
    return new S3Archive({
      ...{ store, retry, writer, keyFor, pattern, slots: this.#slots, width: perAccount },
      ...{
        root: formatRoot(this.#options.store.bucket, pattern),
        journal: noted,
        failpoint: this.#failpoint,
      },
      manifest: this.#options.manifest ? this.#manifestOf(accountKey) : undefined,
      onClose: () => this.#openAccounts.delete(account.id),
    });
  }

  #patternFor(account: SinkAccount, accountKey: string): KeyPattern {
    return this.#options.patternFor?.(account, accountKey) ?? defaultPattern(accountKey);
  }

  get #failpoint(): Failpoint {
    return this.#options.failpoint ?? NO_FAILPOINT;
  }

  /** Once for all archives; after a failure the next archive tries again. */
  #ready(): Promise<Opened> {
    this.#opened ??= this.#open().catch((thrown: unknown) => {
      this.#opened = undefined;
      throw thrown;
    });
    return this.#opened;
  }

  async #open(): Promise<Opened> {
    const { store, retry } = await this.#openStore();
    const identity = await this.#identity(store, retry);
    const known = await readAbilities(this.#abilitiesPath, this.#clock.now(), identity);
    const abilities = known ?? (await this.#probe(store, retry, new AbortController().signal));
    return { store, retry, abilities };
  }

  async #openStore(): Promise<{ store: ObjectStore; retry: Retry }> {
    const { patienceMs } = this.#options;
    const open = this.#options.openStore ?? (await import('./client.ts')).openObjectStore;
    this.#store ??= open({ ...this.#options.store, connections: this.#limits.total });
    const store = this.#store;
    const renewCredentials = (): Promise<void> => store.renewCredentials();
    return { store, retry: new Retry({ clock: this.#clock, patienceMs, renewCredentials }) };
  }

  async #probe(store: ObjectStore, retry: Retry, signal: AbortSignal): Promise<Abilities> {
    const { encryption, storageClass } = this.#options;
    const accountKey = accountKeyOf(PROBE.id);
    const abilities = await probeStore({
      ...{ store, retry, signal, now: this.#clock.now },
      identity: await this.#identity(store, retry),
      keyFor: (sha256) => keyOf(this.#patternFor(PROBE, accountKey), { sha256, copy: 0 }),
      // No lock: what only asks must not be kept for seven years.
      settings: { encryption, storageClass },
    });
    await this.#makeFolder();
    await writeAbilities(this.#abilitiesPath, abilities);
    this.#failpoint('sink.s3.probed');
    return abilities;
  }

  /** Which credentials, without telling them. */
  async #identity(store: ObjectStore, retry: Retry): Promise<string> {
    const { signal } = new AbortController();
    const identity = await retry.run('have credentials', () => store.identity(), signal);
    return hash('sha256', identity, 'hex').slice(0, 16);
  }

  get #abilitiesPath(): string {
    return join(this.#folder, 'abilities.json');
  }

  async #makeFolder(): Promise<void> {
    try {
      await makeFolders(NODE_DISK, [this.#folder]);
    } catch (thrown) {
      throw sinkError(`make ${this.#folder}`, thrown);
    }
  }

  #manifestOf(accountKey: string): ManifestWriter {
    const send = (manifest: ReadyManifest): Promise<void> => this.#sendManifest(manifest);
    return new ManifestWriter({
      ...{ folder: this.#folder, accountKey, send, failpoint: this.#failpoint },
      now: this.#clock.now,
    });
  }

  async #sendManifest({ key, path, octets, sha256 }: ReadyManifest): Promise<void> {
    const { store, retry, abilities } = await this.#ready();
    const { signal } = new AbortController();
    const doing = `put the manifest ${key}`;
    const file = { content: { kind: 'spool', path } } as const;
    const content = { kind: 'stream', read: () => readContent(file, { start: 0, octets }) } as const;
    const settings = settingsFor(this.#options, this.#clock.now());
    const wantsMd5 = abilities.contentMd5 === 'asked' || settings.lock !== undefined;
    const md5 = wantsMd5 ? await md5Of(path) : undefined;
    const object = { key, content, octets, sha256, settings, md5, metadata: {} };
    const ifAbsent = abilities.conditionalPut === 'kept';
    const finding = await retry.run(
      doing,
      async () => {
        try {
          await store.put({ ...object, ifAbsent, contentType: 'application/jsonl' }, signal);
        } catch (thrown) {
          if (!(thrown instanceof StoreFailure && thrown.status === 412)) {
            throw thrown;
          }
        }
        return await findOut(store, { key, versionId: undefined }, { octets, sha256 }, abilities, signal);
      },
      signal,
    );
    if (finding.kind === 'missing' || finding.kind === 'different') {
      throw storeError(
        doing,
        new StoreFailure(`another object has its key`, { status: 412, code: 'PreconditionFailed' }),
      );
    }
  }

  async #sendLeftManifests(): Promise<void> {
    if (!this.#options.manifest) {
      return;
    }
    const left = (await namesIn(this.#folder)).map(accountKeyOfFile);
    for (const accountKey of new Set(left)) {
      if (accountKey !== undefined) {
        await this.#manifestOf(accountKey).finish();
      }
    }
  }

  #lock({ id }: SinkAccount): void {
    if (this.#openAccounts.has(id)) {
      throw new MailferryError(`the account ${id} is already open in ${this.name}`, {
        code: 'sink-locked',
        scope: 'account',
        retry: 'later',
        hint: 'Let one session at a time archive an account.',
      });
    }
    this.#openAccounts.add(id);
  }
}

async function md5Of(path: string): Promise<string> {
  const md5 = createHash('md5');
  for await (const chunk of createReadStream(path)) {
    md5.update(chunk);
  }
  return md5.digest('base64');
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') {
      return [];
    }
    throw sinkError(`read ${folder}`, thrown);
  }
}
