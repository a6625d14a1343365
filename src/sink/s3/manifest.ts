/**
 * One JSON-lines object for each account and run that lists what was stored: unique-id, digest, octets, key, version, time.
 * The first line names the manifest before it, by key and digest, so that none can be changed or left out unseen.
 *
 * Lines gather in a file of the state folder, durable before the batch has its receipts, and the file becomes the object
 * when the account is done. It is the object, octet for octet: a run that was killed leaves it, and the next one goes on
 * with it. Before it is sent it gets another name and takes no more lines, since its key must never stand for two contents;
 * what is found under that name is only sent. Memory does not grow with the mailbox.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { Failpoint } from '../../errors/failpoint.ts';
import { systemCodeOf } from '../../errors/mailferry-error.ts';
import { NODE_DISK, syncFolder } from '../disk.ts';
import type { StorableMessage, StoreOutcome } from '../sink.ts';
import { sinkError } from '../sink-error.ts';
import { encodeUidl, parseLocation } from './key.ts';

/** Lines that a torn batch can repeat: more than any batch has. */
const MAX_REPEATED = 4096;

interface Link {
  readonly sequence: number;
  readonly key: string;
  readonly sha256: string;
}

interface Header {
  readonly format: 'mailferry-manifest/1';
  readonly account: string;
  readonly sequence: number;
  readonly startedAt: string;
  readonly previous: { readonly key: string; readonly sha256: string } | null;
}

/** A manifest that is whole: the file holds exactly these octets. */
export interface ReadyManifest {
  readonly key: string;
  readonly path: string;
  readonly octets: number;
  readonly sha256: string;
}

export interface ManifestOptions {
  /** An existing folder. */
  readonly folder: string;
  readonly accountKey: string;
  readonly now: () => number;
  /** Resolves when the object provably rests in the store; safe to repeat. */
  readonly send: (manifest: ReadyManifest) => Promise<void>;
  readonly failpoint: Failpoint;
}

/** The account of a manifest on its way, or undefined where the file is something else. */
export function accountKeyOfFile(name: string): string | undefined {
  return /^([0-9a-f]+)\.manifest(?:-sealed)?\.jsonl$/.exec(name)?.[1];
}

export class ManifestWriter {
  readonly #options: ManifestOptions;
  /** Takes lines. */
  readonly #path: string;
  /** Is only sent. */
  readonly #sealedPath: string;
  #file: FileHandle | undefined;
  /** Locations that the last run has listed, as far as it can list them again. */
  #listed: ReadonlySet<string> = new Set();

  constructor(options: ManifestOptions) {
    this.#options = options;
    this.#path = `${options.folder}/${options.accountKey}.manifest.jsonl`;
    this.#sealedPath = `${options.folder}/${options.accountKey}.manifest-sealed.jsonl`;
  }

  /** Lists what of a batch was stored; durable when it resolves. */
  async add(batch: readonly StorableMessage[], outcomes: ReadonlyMap<number, StoreOutcome>): Promise<void> {
    const lines = batch.flatMap((storable, index) => {
      const outcome = outcomes.get(index);
      return outcome?.kind === 'stored' ? lineFor(storable, outcome) : [];
    });
    if (lines.length === 0) {
      return;
    }
    try {
      this.#file ??= await this.#open();
      const fresh = lines.filter((line) => !this.#listed.has(identityOf(line)));
      await this.#file.appendFile(fresh.join(''));
      await this.#file.datasync();
      this.#options.failpoint('sink.s3.manifest-written');
    } catch (thrown) {
      throw sinkError(`write ${this.#path}`, thrown);
    }
  }

  /** Sends what is listed, if anything is. Idempotent. */
  async finish(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await this.#sendSealed();
    if ((await this.#mend(this.#path)) === undefined) {
      return;
    }
    try {
      await rename(this.#path, this.#sealedPath);
      await syncFolder(NODE_DISK, this.#options.folder);
    } catch (thrown) {
      throw sinkError(`rename ${this.#path}`, thrown);
    }
    this.#options.failpoint('sink.s3.manifest-sealed');
    await this.#sendSealed();
  }

  async #sendSealed(): Promise<void> {
    const header = await this.#mend(this.#sealedPath);
    if (header === undefined) {
      return;
    }
    const { failpoint, send } = this.#options;
    const key = keyOf(header);
    // A crash came between the link and the removal.
    const isLinked = (await this.#readLast())?.key === key;
    if (!isLinked) {
      const { octets, sha256 } = await digestOf(this.#sealedPath);
      await send({ key, path: this.#sealedPath, octets, sha256 });
      failpoint('sink.s3.manifest-sent');
      await this.#writeLast({ sequence: header.sequence, key, sha256 });
      failpoint('sink.s3.manifest-linked');
    }
    await rm(this.#sealedPath, { force: true });
  }

  /** Goes on with the file of a run that was killed, or begins one. */
  async #open(): Promise<FileHandle> {
    await this.#sendSealed();
    const header = await this.#mend(this.#path);
    if (header !== undefined) {
      this.#listed = await lastIdentities(this.#path);
      return await open(this.#path, 'a', 0o600);
    }
    const last = await this.#readLast();
    const first: Header = {
      format: 'mailferry-manifest/1',
      account: this.#options.accountKey,
      sequence: (last?.sequence ?? 0) + 1,
      startedAt: new Date(this.#options.now()).toISOString(),
      previous: last === undefined ? null : { key: last.key, sha256: last.sha256 },
    };
    const file = await open(this.#path, 'w', 0o600);
    await file.appendFile(`${JSON.stringify(first)}\n`);
    await syncFolder(NODE_DISK, this.#options.folder);
    return file;
  }

  /** Cuts a torn last line off. @returns the first line; undefined where there is no file, or not even that in it. */
  async #mend(path: string): Promise<Header | undefined> {
    let end = 0;
    let octets = 0;
    let first = '';
    try {
      for await (const chunk of createReadStream(path)) {
        const lastLf = chunk.lastIndexOf(0x0a);
        first += end === 0 ? chunk.subarray(0, chunk.indexOf(0x0a) + 1 || undefined).toString() : '';
        end = lastLf === -1 ? end : octets + lastLf + 1;
        octets += chunk.length;
      }
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') {
        return undefined;
      }
      throw sinkError(`read ${path}`, thrown);
    }
    if (end < octets) {
      const file = await open(path, 'r+');
      await file.truncate(end).finally(() => file.close());
    }
    return end === 0 ? undefined : parseHeader(first);
  }

  get #lastPath(): string {
    return `${this.#options.folder}/${this.#options.accountKey}.manifest-last.json`;
  }

  async #readLast(): Promise<Link | undefined> {
    try {
      const last: Partial<Link> = JSON.parse(await readFile(this.#lastPath, 'utf8'));
      const { sequence, key, sha256 } = last;
      return sequence === undefined || key === undefined || sha256 === undefined
        ? undefined
        : { sequence, key, sha256 };
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') {
        return undefined;
      }
      throw sinkError(`read ${this.#lastPath}`, thrown);
    }
  }

  async #writeLast(link: Link): Promise<void> {
    const temporary = `${this.#lastPath}.tmp`;
    await writeFile(temporary, JSON.stringify(link), { mode: 0o600, flush: true });
    await rename(temporary, this.#lastPath);
    await syncFolder(NODE_DISK, this.#options.folder);
  }
}

function lineFor(
  { uidl, copy, message }: StorableMessage,
  outcome: StoreOutcome & { kind: 'stored' },
): string {
  const { location, proof, provedAt } = outcome.receipt;
  return `${JSON.stringify({
    uidl: encodeUidl(uidl),
    sha256: message.sha256,
    octets: message.octets,
    ...(copy === 0 ? {} : { copy }),
    ...parseLocation(location),
    proof,
    at: new Date(provedAt).toISOString(),
  })}\n`;
}

/** The time keeps the manifests of two jobs apart, and those before and after a state folder was lost. */
function keyOf({ account, sequence, startedAt }: Header): string {
  const time = startedAt.replace(/[-:]|\.\d+/g, '');
  return `manifest/${account}/${time}-${String(sequence).padStart(8, '0')}.jsonl`;
}

function parseHeader(line: string): Header {
  const header: Partial<Header> = JSON.parse(line);
  const { format, account, sequence, startedAt, previous = null } = header;
  if (
    format !== 'mailferry-manifest/1' ||
    account === undefined ||
    sequence === undefined ||
    startedAt === undefined
  ) {
    throw new Error('the first line is not that of a manifest');
  }
  return { format, account, sequence, startedAt, previous };
}

async function digestOf(path: string): Promise<{ octets: number; sha256: string }> {
  const sha256 = createHash('sha256');
  let octets = 0;
  for await (const chunk of createReadStream(path)) {
    sha256.update(chunk);
    octets += chunk.length;
  }
  return { octets, sha256: sha256.digest('hex') };
}

/** What makes two lines the same although the time of the proof differs. */
function identityOf(line: string): string {
  return line.slice(0, line.indexOf('"proof":'));
}

async function lastIdentities(path: string): Promise<ReadonlySet<string>> {
  const file = await open(path);
  const last: string[] = [];
  for await (const line of file.readLines()) {
    last.push(identityOf(line));
    if (last.length > 2 * MAX_REPEATED) {
      last.splice(0, MAX_REPEATED);
    }
  }
  return new Set(last);
}
