/** What all scenarios stand on: a Dovecot with their mail, a folder for the runs, and who takes part. */
import { mkdirSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import type { Contender, Setting, Stored } from './contender.ts';
import { fillMaildrop, type Mail, type Maildrop, PASSWORD, userOf } from './mail/maildrops.ts';
import { type Cost, measure } from './measure.ts';
import type { Progress } from './progress.ts';

/** Dovecot's session processes end, and are counted, a moment after the client has gone. */
const SERVER_SETTLES_MS = 300;

export interface BedOptions {
  /** Of the bench's own, and reachable by everybody: getmail6, called by root, delivers as nobody. */
  readonly folder: string;
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  readonly patienceSeconds: number;
  readonly progress: Progress;
  readonly users: readonly string[];
}

export class Bed implements AsyncDisposable {
  readonly options: BedOptions;
  readonly #maildrops = new Map<string, Maildrop>();
  #dovecot: Dovecot | undefined;
  #folders = 0;

  constructor(options: BedOptions) {
    this.options = options;
  }

  /** Started when it is asked for first. */
  async dovecot(): Promise<Dovecot> {
    const users = this.options.users.map((name) => ({ name, password: PASSWORD }));
    this.#dovecot ??= await startDovecot({ users });
    return this.#dovecot;
  }

  /** Filled when it is asked for first. */
  async maildrop(mail: Mail): Promise<Maildrop> {
    const user = userOf(mail);
    if (!this.#maildrops.has(user)) this.options.progress(`making ${mail.messages} messages for ${user}`);
    return await this.#fill(mail, user, 1);
  }

  /** One for each user, with mail of the same kind and other octets. */
  async maildrops(mail: Mail, users: readonly string[]): Promise<Maildrop[]> {
    const isNew = users.some((user) => !this.#maildrops.has(user));
    if (isNew) this.options.progress(`making ${mail.messages} messages for each of ${users.length} accounts`);
    const filled: Maildrop[] = [];
    for (const [index, user] of users.entries()) filled.push(await this.#fill(mail, user, index + 1));
    return filled;
  }

  /** An empty folder, for a run or for a contender's runs that know of each other. The caller removes it. */
  makeFolder(): string {
    const folder = join(this.options.folder, `run-${++this.#folders}`);
    mkdirSync(folder);
    return folder;
  }

  /** For clear text, without state from earlier runs, into a Maildir; scenarios change what they need otherwise. */
  async setting(folder: string, user: string): Promise<Setting> {
    const { host, port, caPath } = await this.dovecot();
    const address = { host, port, caPath, user, password: PASSWORD };
    return { folder, store: 'maildir', security: 'plaintext', ...address, isOnlyNew: false };
  }

  /** One run of a contender. Throws when it fails. */
  async run(contender: Contender, setting: Setting): Promise<Run> {
    const { stored, ...command } = contender.prepare(setting);
    return { stored, ...(await this.runCommand(contender.program, command)) };
  }

  async runCommand(program: string, command: Parameters<typeof measure>[1]): Promise<Omit<Run, 'stored'>> {
    const dovecot = await this.dovecot();
    const serverBefore = dovecot.cpuSeconds();
    const cost = await measure(program, command);
    await sleep(SERVER_SETTLES_MS);
    return { cost: { ...cost, serverCpuSeconds: dovecot.cpuSeconds() - serverBefore } };
  }

  /** Gives a new folder to `use` and gives its room back afterwards. */
  async inFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
    const folder = this.makeFolder();
    try {
      return await use(folder);
    } finally {
      emptyFiles(folder);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dovecot?.stop();
  }

  async #fill(mail: Mail, user: string, seed: number): Promise<Maildrop> {
    const known = this.#maildrops.get(user);
    if (known !== undefined) return known;
    const maildrop = await fillMaildrop(await this.dovecot(), mail, user, seed);
    this.#maildrops.set(user, maildrop);
    return maildrop;
  }
}

/**
 * Gives back what the files take and leaves them there; the whole folder of the bench goes at its end. ext4 does not use the inodes of
 * files that were removed in the last minutes, and looks past each of them when it makes a new one: after ten thousand were removed, the
 * next contender would take four times as long.
 */
function emptyFiles(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) truncateSync(join(entry.parentPath, entry.name));
  }
}

export interface Run {
  readonly cost: Cost & { readonly serverCpuSeconds: number };
  readonly stored: Stored | undefined;
}
