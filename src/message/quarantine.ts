/**
 * A folder for what arrived of messages that failed, kept apart for inspection: a part of a message, and a note in JSON that
 * says what it is of. It is never a sink, and nothing here is ever taken for mail.
 *
 * Order of writing: the part, synced; its note under another name, synced; the note under its own name; the folder, synced; then
 * what an earlier attempt left is removed. So a part without a note is what a kill left, and goes when the folder is opened; so
 * does all but the latest attempt. The folder belongs to one process (the ledger's lock sees to that); anybody may read it.
 */
import type { Dirent } from 'node:fs';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Failpoint, NO_FAILPOINT } from '../errors/failpoint.ts';
import { MailferryError, systemCodeOf, textOf } from '../errors/mailferry-error.ts';
import {
  type FailedIdentity,
  folderNameOf,
  keyOf,
  NEW_SUFFIX,
  NOTE_SUFFIX,
  PART_SUFFIX,
  type ParsedName,
  parseName,
  stemOf,
} from './quarantine-names.ts';
import { type QuarantineNote, renderNote } from './quarantine-note.ts';
import type { ReceivedPart } from './received-part.ts';

export interface QuarantineOptions {
  /** Messages of which something is kept, over all accounts; the oldest give way. */
  readonly maxMessages?: number;
  /** Octets of all parts together; the oldest give way. */
  readonly maxOctets?: number;
  /** For tests. */
  readonly failpoint?: Failpoint;
}

const MAX_MESSAGES = 1_000;
const MAX_OCTETS = 100_000_000;

/** What there is of one message, in memory. */
interface Kept {
  readonly folder: string;
  readonly stem: string;
  readonly octets: number;
}

export interface Quarantine {
  readonly folder: string;
  /**
   * Keeps a part and its note, durably, in place of what an earlier attempt left. @returns the path of the note.
   * @throws what the file system threw; what was kept before is kept then.
   */
  keep(message: FailedIdentity, note: QuarantineNote, part: ReceivedPart, atMs: number): Promise<string>;
  /** Whether nothing is kept of any message, as mostly: then nothing has to be discarded. */
  readonly isEmpty: boolean;
  /** Removes what is kept of a message. Idempotent. */
  discard(message: FailedIdentity): Promise<void>;
  /** Removes what is kept of the account's messages but for these. */
  discardOthers(account: string, messages: Iterable<Omit<FailedIdentity, 'account'>>): Promise<void>;
}

/** Removes what a crash left. @throws MailferryError scope run, where a folder that is there cannot be read. */
export function openQuarantine(folder: string, options: QuarantineOptions = {}): Quarantine {
  const kept = new Map<string, Kept>();
  try {
    for (const account of readFolder(folder)) {
      if (account.isDirectory()) {
        sweep(join(folder, account.name), kept);
      }
    }
  } catch (cause) {
    throw new MailferryError(`the folder ${folder} cannot be read: ${textOf(cause)}`, {
      code: 'quarantine-unreadable',
      scope: 'run',
      retry: 'never',
      hint: 'Look at the rights of the state folder and at its disk.',
      cause,
    });
  }
  return new FolderQuarantine(folder, kept, options);
}

class FolderQuarantine implements Quarantine {
  readonly folder: string;
  /** By the path that all files of one message begin with. */
  readonly #kept: Map<string, Kept>;
  readonly #limits: { readonly messages: number; readonly octets: number };
  readonly #failpoint: Failpoint;

  constructor(folder: string, kept: Map<string, Kept>, options: QuarantineOptions) {
    const { maxMessages = MAX_MESSAGES, maxOctets = MAX_OCTETS, failpoint = NO_FAILPOINT } = options;
    this.folder = folder;
    this.#kept = kept;
    this.#limits = { messages: maxMessages, octets: maxOctets };
    this.#failpoint = failpoint;
  }

  async keep(
    message: FailedIdentity,
    note: QuarantineNote,
    part: ReceivedPart,
    atMs: number,
  ): Promise<string> {
    const folder = join(this.folder, folderNameOf(message.account));
    const key = keyOf(message);
    const before = this.#kept.get(join(folder, key));
    const stem = laterStem(key, atMs, before?.stem);
    const octets = part.head.length + part.tail.length;
    await makeFolder(folder);
    try {
      if (octets > 0) {
        await writeDurably(join(folder, `${stem}${PART_SUFFIX}`), [part.head, part.tail]);
        this.#failpoint('quarantine.part-written');
      }
      const path = join(folder, `${stem}${NOTE_SUFFIX}`);
      const text = renderNote(note, message, part, octets > 0 ? `${stem}${PART_SUFFIX}` : null);
      await writeDurably(`${path}${NEW_SUFFIX}`, [Buffer.from(text)]);
      await rename(`${path}${NEW_SUFFIX}`, path);
      await syncFolder(folder);
      this.#failpoint('quarantine.kept');
      this.#kept.set(join(folder, key), { folder, stem, octets });
    } catch (thrown) {
      await removeStem(folder, stem);
      throw thrown;
    }
    if (before !== undefined) {
      await removeStem(before.folder, before.stem);
    }
    await this.#makeRoom();
    return join(folder, `${stem}${NOTE_SUFFIX}`);
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  async discard(message: FailedIdentity): Promise<void> {
    await this.#remove(join(this.folder, folderNameOf(message.account), keyOf(message)));
  }

  async discardOthers(account: string, messages: Iterable<Omit<FailedIdentity, 'account'>>): Promise<void> {
    const folder = join(this.folder, folderNameOf(account));
    const mine = [...this.#kept].filter(([, kept]) => kept.folder === folder).map(([path]) => path);
    if (mine.length === 0) {
      return;
    }
    const wanted = new Set<string>();
    for (const message of messages) {
      wanted.add(join(folder, keyOf({ account, ...message })));
    }
    for (const path of mine.filter((each) => !wanted.has(each))) {
      await this.#remove(path);
    }
  }

  /** The oldest give way; the one that was kept last stays, since a part is far smaller than the limit. */
  async #makeRoom(): Promise<void> {
    const all = [...this.#kept].sort(([, a], [, b]) => (timeOf(a.stem) < timeOf(b.stem) ? -1 : 1));
    let octets = all.reduce((sum, [, kept]) => sum + kept.octets, 0);
    let count = all.length;
    for (const [path, kept] of all.slice(0, -1)) {
      if (count <= this.#limits.messages && octets <= this.#limits.octets) {
        return;
      }
      count -= 1;
      octets -= kept.octets;
      await this.#remove(path);
    }
  }

  async #remove(path: string): Promise<void> {
    const kept = this.#kept.get(path);
    if (kept !== undefined) {
      this.#kept.delete(path);
      await removeStem(kept.folder, kept.stem);
    }
  }
}

/** What is in one account's folder: the latest noted attempt of each message is remembered, all else of ours goes. */
function sweep(folder: string, kept: Map<string, Kept>): void {
  const names = readFolder(folder).flatMap(({ name }) => parseName(name) ?? []);
  const latest = new Map<string, ParsedName>();
  for (const name of names.filter(({ kind }) => kind === 'json')) {
    const present = latest.get(name.key);
    if (present === undefined || present.stem < name.stem) {
      latest.set(name.key, name);
    }
  }
  for (const { key, stem, kind } of names) {
    const path = join(folder, `${stem}.${kind}`);
    if (kind === 'json.new' || latest.get(key)?.stem !== stem) {
      rmSync(path, { force: true });
    } else if (!kept.has(join(folder, key)) || kind === 'part') {
      const octets = kind === 'part' ? statSync(path).size : 0;
      kept.set(join(folder, key), { folder, stem, octets });
    }
  }
}

function readFolder(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') {
      return [];
    }
    throw thrown;
  }
}

function timeOf(stem: string): string {
  return stem.slice(stem.lastIndexOf('.') + 1);
}

/** A clock that stands still, or was set back, must not make a later attempt the earlier one. */
function laterStem(key: string, atMs: number, before: string | undefined): string {
  return stemOf(key, before === undefined ? atMs : Math.max(atMs, Number(timeOf(before)) + 1));
}

/** The folder, readable by its owner alone, and durable as an entry of the one above, as is that one. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first !== undefined) {
    await syncFolder(dirname(folder));
    await syncFolder(dirname(dirname(folder)));
  }
}

async function writeDurably(path: string, pieces: readonly Buffer[]): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for (const piece of pieces) {
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The note first: a part without one counts as nothing. */
async function removeStem(folder: string, stem: string): Promise<void> {
  for (const suffix of [NOTE_SUFFIX, `${NOTE_SUFFIX}${NEW_SUFFIX}`, PART_SUFFIX]) {
    await rm(join(folder, `${stem}${suffix}`), { force: true });
  }
}
