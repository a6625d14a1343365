/**
 * A job on disks whose power is cut as the program enters its n-th sync. The server lives in the test's process and goes on; what the
 * program printed was read outside of these disks, and is what it must keep to.
 */
import { join } from 'node:path';
import { expect } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';
import type { Ended } from '../support/mailferry.ts';
import { archiveFiles, Oracle } from '../support/oracle.ts';
import { CutDisks, type EnteredSync, isLost, type PowerCut } from './cut-disks.ts';

/** Larger than what passes through memory. */
const LARGE = Buffer.from(`Subject: large\r\n\r\n${`From the sea ${'x'.repeat(1000)}\r\n`.repeat(1_050)}`);
const MAIL: Readonly<Record<string, readonly Buffer[]>> = {
  alice: [
    Buffer.from('Subject: plain\r\n\r\nplain\r\n'),
    Buffer.from('Subject: From_\r\n\r\nFrom here\r\n>From there\r\n'),
    Buffer.from('Subject: bare\r\n\r\none\ntwo\r\n'),
    Buffer.from('Subject: no end\r\n\r\nthe end'),
  ],
  bob: [LARGE, Buffer.alloc(0)],
};
/** What comes between two nights. */
const NEW_MAIL = ['first', 'second'].map((text) => Buffer.from(`Subject: new\r\n\r\n${text} of the day\r\n`));
const ACCOUNTS = Object.keys(MAIL);

type Told = Parameters<Oracle['checkTold']>[0][number];

const runArgs = (job: string): readonly string[] => ['run', '--json', '--log-level', 'error', job];

export interface Night {
  readonly isDeleting: boolean;
  /** An undisturbed run without deletion was there before, and new mail has come since. */
  readonly isSecond: boolean;
  /** As CutDisks takes them. */
  readonly disks: readonly string[];
}

/** What the job has come to, to be compared with what an undisturbed one came to. */
export interface MorningState {
  readonly archived: readonly unknown[];
  readonly left: readonly (readonly string[])[];
  readonly states: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface CutEnd {
  /** The sync at which the power was cut; undefined where the run had ended before it. */
  readonly at: EnteredSync | undefined;
  /** Messages that the program had said to be archived. */
  readonly told: number;
  /** What this sync was to keep is gone: the disks forget what was not synced. */
  readonly isLost: boolean;
}

export class PowerCutBed implements AsyncDisposable {
  readonly oracle: Oracle;
  readonly #cut: PowerCut;
  readonly #server: DemoServer;
  readonly #disks: CutDisks;
  readonly #folder = new JobFolder();
  readonly #night: Night;

  private constructor(cut: PowerCut, night: Night, server: DemoServer, disks: CutDisks) {
    this.#cut = cut;
    this.#night = night;
    this.#server = server;
    this.#disks = disks;
    this.oracle = new Oracle({ folder: disks.path, server, accounts: ACCOUNTS, sinks: 2 });
    server.misbehaviour.on(this.oracle.watcher);
  }

  static async make(cut: PowerCut, night: Night): Promise<PowerCutBed> {
    const users = Object.entries(MAIL).map(([name, messages]) => ({ name, password: PASSWORD, messages }));
    return new PowerCutBed(cut, night, await DemoServer.start({ users }), new CutDisks(night.disks));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.oracle.close();
    await this.#server.close();
    await this.#folder[Symbol.asyncDispose]();
    this.#disks[Symbol.dispose]();
  }

  /** The syncs of a night that nothing disturbs. */
  async countSyncs(): Promise<readonly EnteredSync[]> {
    await this.#spendEvening();
    await this.#runWell(this.#run(this.#writeJob(this.#night), this.#disks.untilCut(this.#cut, 0)));
    this.#disks.reboot();
    return this.#disks.syncs();
  }

  /** A night in which the power is cut; then what was promised by then is held against what the disks have kept. */
  async runUntilCut(number: number): Promise<CutEnd> {
    await this.#spendEvening();
    const job = this.#writeJob(this.#night);
    const { code, signal, stdout, stderr } = await this.#run(job, this.#disks.untilCut(this.#cut, number));
    this.#disks.reboot();
    // The last line may be torn.
    const events = parseEvents(stdout.slice(0, stdout.lastIndexOf('\n') + 1));
    // The event carries these as events.ts defines them.
    const told = events.filter(({ event }) => event === 'message.archived') as unknown as readonly Told[];
    this.oracle.checkTold(told);
    this.oracle.checkAlways();
    expect(this.oracle.violations).toEqual([]);
    const at = this.#disks.syncs()[number - 1];
    // What it says in the moment between the cut and its death is nobody's fault.
    expect({ code, signal, stderr: at === undefined ? stderr : '' }).toEqual({
      code: at === undefined ? 0 : null,
      signal: at === undefined ? null : 'SIGKILL',
      stderr: '',
    });
    await this.#verify(job, told.length === 0);
    return { at, told: told.length, isLost: at !== undefined && isLost(at) };
  }

  /** The next run, which nothing disturbs, and one more that finds nothing to do. */
  async settle(): Promise<MorningState> {
    const job = this.#writeJob(this.#night);
    await this.#runWell(this.#folder.runHere(runArgs(job)));
    await this.#verify(job);
    this.oracle.checkSettled();
    const files = archiveFiles(this.#disks.path);
    await this.#runWell(this.#folder.runHere(runArgs(job)));
    this.oracle.checkSettled();
    expect(this.oracle.violations).toEqual([]);
    expect(archiveFiles(this.#disks.path)).toEqual(files);
    return {
      archived: ACCOUNTS.map((account) => this.oracle.archived(account)),
      left: ACCOUNTS.map((account) => this.#server.mailbox(account).entries.map(({ uidl }) => uidl)),
      states: this.oracle.states(),
    };
  }

  /** What a second night finds. */
  async #spendEvening(): Promise<void> {
    if (this.#night.isSecond) {
      await this.#runWell(this.#run(this.#writeJob({ isDeleting: false })));
      this.#server.mailbox('alice').append(...NEW_MAIL);
    }
  }

  #writeJob({ isDeleting }: Pick<Night, 'isDeleting'>): string {
    const at = (name: string): string => join(this.#disks.path, name);
    return this.#folder.writeJob(this.#server.port, {
      accounts: ACCOUNTS,
      state: at('state'),
      sinks: [{ maildir: at('maildir/{account}') }, { mbox: at('mbox/{account}.mbox') }],
      // One account after the other and one thread for syncs: so the n-th is the same in every run, as a rule.
      limits: { accounts: 1, messagesPerSession: 3 },
      ...(isDeleting && { delete: { after: 'verified', age: 0 } }),
    });
  }

  #run(job: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.#folder.run(runArgs(job), { env: { UV_THREADPOOL_SIZE: '1', ...env } });
  }

  async #runWell(run: Promise<Ended>): Promise<void> {
    const { code, stderr } = await run;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }

  /** Every receipt holds, and nothing is in a sink that the ledger cannot explain. Cut early there may be no ledger yet, or half of one. */
  async #verify(job: string, mayLackLedger = false): Promise<void> {
    const { code, stdout, stderr } = await this.#folder.runHere(['verify', '--quiet', job]);
    if (mayLackLedger && code !== 0) {
      expect([code, stderr]).toEqual(
        stderr.includes('has no ledger')
          ? [2, expect.any(String)]
          : [5, expect.stringContaining('did not finish')],
      );
    } else {
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
    }
  }
}
