/**
 * A job that crash tests run over and over: three accounts with every kind of message, a Maildir and an mbox for each, and
 * deletion at the source. The server lives in the test's process, the program in one of its own that is killed.
 */
import { expect } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import type { MessageInput } from '../../src/demo/mailbox.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';
import type { Ended, MailferryOptions } from '../support/mailferry.ts';
import { archiveFiles, Oracle } from '../support/oracle.ts';

const TWIN = Buffer.from('Subject: twin\r\n\r\nsent twice\r\n');
const KINDS = [
  Buffer.from('Subject: plain\r\n\r\nplain\r\n'),
  Buffer.from('Subject: From_\r\n\r\nFrom here\r\n>From there\r\n\r\nFrom a@b Thu Jan  1 00:00:00 1970\r\n'),
  Buffer.from('Subject: bare\r\n\r\none\ntwo\r\n.\r\nFrom three\r\n'),
  Buffer.from('Subject: no end\r\n\r\nthe end'),
  Buffer.alloc(0),
];
/** Larger than what passes through memory. */
const LARGE = Buffer.from(`Subject: large\r\n\r\n${`From the sea ${'x'.repeat(1000)}\r\n`.repeat(2_100)}`);

const MAIL: Readonly<Record<string, readonly MessageInput[]>> = {
  alice: [...KINDS, TWIN, TWIN],
  bob: [KINDS[0] ?? TWIN, LARGE, TWIN],
  // Two that are equal in everything have no identity: they are archived both, and stay.
  carol: [
    { content: TWIN, uidl: 'same' },
    KINDS[1] ?? TWIN,
    { content: TWIN, uidl: 'same' },
    KINDS[3] ?? TWIN,
  ],
};
const ACCOUNTS = Object.keys(MAIL);

/** What a job has come to, to be compared with what an undisturbed one came to. */
export interface EndState {
  readonly archived: readonly unknown[];
  readonly left: readonly (readonly string[])[];
  readonly states: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export class CrashBed implements AsyncDisposable {
  readonly folder = new JobFolder();
  readonly server: DemoServer;
  readonly oracle: Oracle;
  readonly #job: string;

  private constructor(server: DemoServer, atOnce: number) {
    this.server = server;
    this.#job = this.folder.writeJob(server.port, {
      accounts: ACCOUNTS,
      delete: { after: 'verified', age: 0 },
      limits: { accounts: atOnce, patience: '30s' },
    });
    this.oracle = new Oracle({ folder: this.folder.path, server, accounts: ACCOUNTS, sinks: 2 });
    server.misbehaviour.on(this.oracle.watcher);
  }

  /** @param atOnce accounts at the same time; with one, the n-th step is the same step in every run, as a rule */
  static async make(atOnce = 1): Promise<CrashBed> {
    const users = Object.entries(MAIL).map(([name, messages]) => ({ name, password: PASSWORD, messages }));
    return new CrashBed(await DemoServer.start({ users }), atOnce);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.folder[Symbol.asyncDispose]();
  }

  /** @param failpoint what MAILFERRY_FAILPOINT says */
  run(failpoint = '', options: MailferryOptions = {}): Promise<Ended> {
    const env = { MAILFERRY_FAILPOINT: failpoint, ...options.env };
    return this.folder.run(['run', '--json', '--log-level', 'error', this.#job], { ...options, env });
  }

  /** How often each place is passed in a run. */
  async countFailpoints(): Promise<Readonly<Record<string, number>>> {
    const { code, stderr } = await this.run('count');
    expect(code).toBe(0);
    return JSON.parse(stderr).failpoints;
  }

  /** A run that is killed there. @returns whether it came so far; it must not end in any other way */
  async runAndDie(failpoint: string, options: MailferryOptions = {}): Promise<boolean> {
    const { signal, code, stderr } = await this.run(failpoint, options);
    this.oracle.checkAlways();
    expect({ code, stderr: signal === null ? stderr : '' }).toEqual({
      code: signal === null ? 0 : null,
      stderr: '',
    });
    return signal === 'SIGKILL';
  }

  /** Two runs that nothing disturbs: the first does what is left to do, the second finds nothing to do. */
  async settle(): Promise<EndState> {
    await this.#runWell();
    this.oracle.checkSettled();
    const before = { files: archiveFiles(this.folder.path), ...this.#mail() };
    const asked = [this.server.record.count('RETR'), this.server.record.count('DELE')];
    await this.#runWell();
    this.oracle.checkSettled();
    expect({ files: archiveFiles(this.folder.path), ...this.#mail() }).toEqual(before);
    expect([this.server.record.count('RETR'), this.server.record.count('DELE')]).toEqual(asked);
    expect(this.oracle.violations).toEqual([]);
    return { ...this.#mail(), states: this.oracle.states() };
  }

  async #runWell(): Promise<void> {
    const { code, stdout, stderr } = await this.run();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const event of parseEvents(stdout)) {
      if (event['type'] === 'account.finished') {
        // The event carries the counts as events.ts defines them.
        this.oracle.checkArithmetic(event['counts'] as Parameters<Oracle['checkArithmetic']>[0]);
      }
    }
  }

  #mail(): Pick<EndState, 'archived' | 'left'> {
    return {
      archived: ACCOUNTS.map((account) => this.oracle.archived(account)),
      left: ACCOUNTS.map((account) => this.server.mailbox(account).entries.map(({ uidl }) => uidl)),
    };
  }
}
