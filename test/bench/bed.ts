/** What all scenarios stand on: a Dovecot with their mail, a ground for the runs, and who takes part. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import type { Contender, Setting, Stored } from './contender.ts';
import type { Ground } from './ground/ground.ts';
import type { Room } from './ground/room.ts';
import { fillMaildrop, type Mail, type Maildrop, PASSWORD, userOf } from './mail/maildrops.ts';
import { type Cost, measure } from './measure.ts';
import type { Progress } from './progress.ts';

/** Dovecot's session processes end, and are counted, a moment after the client has gone. */
const SERVER_SETTLES_MS = 300;

export interface BedOptions {
  readonly ground: Ground;
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

  /** Gives an empty folder to `use`, for a run or for runs that know of each other, and gives its room back afterwards. */
  async inFolder<Result>(room: Room, use: (folder: string) => Promise<Result>): Promise<Result> {
    using folder = this.options.ground.open(room);
    return await use(folder.path);
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

export interface Run {
  readonly cost: Cost & { readonly serverCpuSeconds: number };
  readonly stored: Stored | undefined;
}
