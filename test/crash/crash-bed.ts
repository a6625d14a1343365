/**
 * A job that crash tests run over and over: three accounts with every kind of message, a Maildir, an mbox and objects in S3 for
 * each, and deletion at the source. Server and store live in the test's process, the program in one of its own that is killed.
 */
import { expect } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import type { MessageInput } from '../../src/demo/mailbox.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';
import type { Ended, MailferryOptions } from '../support/mailferry.ts';
import { archiveFiles, Oracle } from '../support/oracle.ts';
import { S3Double } from '../support/s3-double.ts';

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

export interface CrashOptions extends MailferryOptions {
  /** All accounts at the same time. With one after the other the n-th step is the same step in every run, as a rule. */
  readonly isAllAtOnce?: boolean;
}

const argsFor = (job: string): readonly string[] => ['run', '--json', '--log-level', 'error', job];

/** What a job has come to, to be compared with what an undisturbed one came to. */
export interface EndState {
  readonly archived: readonly unknown[];
  readonly left: readonly (readonly string[])[];
  readonly states: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export class CrashBed implements AsyncDisposable {
  readonly folder = new JobFolder();
  readonly server: DemoServer;
  /** Outlives each killed program, as a real store does, and forgets nothing. */
  readonly store: S3Double;
  readonly oracle: Oracle;
  readonly #job: string;
  readonly #jobAtOnce: string;

  private constructor(server: DemoServer, store: S3Double) {
    this.server = server;
    this.store = store;
    const s3 = {
      bucket: store.bucket,
      endpoint: store.endpoint,
      security: 'plaintext',
      key: 'mail/{account}/{sha256}.eml',
      credentials: { accessKeyId: store.accessKeyId, secretAccessKey: { env: 'S3_SECRET' } },
      multipartOver: '1MB',
      manifest: true,
    };
    const job = {
      accounts: ACCOUNTS,
      sinks: [{ maildir: './maildir/{account}' }, { mbox: './mbox/{account}.mbox' }, { s3 }],
      delete: { after: 'verified', age: 0 },
    };
    // Several sessions for each account, and a day's budget that is set aside and given back.
    const limits = { accounts: 1, patience: '30s', messagesPerSession: 5, bytesPerDay: '1GB' };
    // One of the two has its large message in a spool file, the other in pages.
    this.#job = this.folder.writeJob(server.port, { ...job, limits: { ...limits, memory: 0 } });
    this.#jobAtOnce = this.folder.writeJob(
      server.port,
      { ...job, limits: { ...limits, accounts: ACCOUNTS.length } },
      'at-once.yaml',
    );
    this.oracle = new Oracle({ folder: this.folder.path, server, accounts: ACCOUNTS, sinks: 3, store });
    server.misbehaviour.on(this.oracle.watcher);
  }

  static async make(): Promise<CrashBed> {
    const users = Object.entries(MAIL).map(([name, messages]) => ({ name, password: PASSWORD, messages }));
    return new CrashBed(await DemoServer.start({ users }), await S3Double.start());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.oracle.close();
    await this.server.close();
    await this.store[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }

  /** @param failpoint what MAILFERRY_FAILPOINT says */
  run(failpoint = '', { isAllAtOnce = false, ...options }: CrashOptions = {}): Promise<Ended> {
    const env = { ...this.#env, MAILFERRY_FAILPOINT: failpoint, ...options.env };
    return this.folder.run(argsFor(isAllAtOnce ? this.#jobAtOnce : this.#job), { ...options, env });
  }

  get #env(): Readonly<Record<string, string>> {
    return { S3_SECRET: this.store.secretAccessKey };
  }

  /** How often each place is passed in a run. */
  async countFailpoints(): Promise<Readonly<Record<string, number>>> {
    const { code, stderr } = await this.run('count');
    expect(code).toBe(0);
    return JSON.parse(stderr).failpoints;
  }

  /** A run that is killed there. @returns whether it came so far; it must not end in any other way */
  async runAndDie(failpoint: string, options: CrashOptions = {}): Promise<boolean> {
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
    const asked = this.#asked();
    await this.#runWell();
    this.oracle.checkSettled();
    expect({ files: archiveFiles(this.folder.path), ...this.#mail() }).toEqual(before);
    expect(this.#asked()).toEqual(asked);
    expect(this.oracle.violations).toEqual([]);
    return { ...this.#mail(), states: this.oracle.states() };
  }

  /** How often something was asked of the server and of the store. */
  #asked(): readonly number[] {
    const { record } = this.server;
    return [record.count('RETR'), record.count('DELE'), this.store.seen.length];
  }

  async #runWell(): Promise<void> {
    const { code, stdout, stderr } = await this.folder.runHere(argsFor(this.#job), this.#env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const finished = parseEvents(stdout).filter(({ event }) => event === 'account.finished');
    expect(finished).toHaveLength(ACCOUNTS.length);
    for (const { counts } of finished) {
      // The event carries the counts as events.ts defines them.
      this.oracle.checkArithmetic(counts as Parameters<Oracle['checkArithmetic']>[0]);
    }
  }

  #mail(): Pick<EndState, 'archived' | 'left'> {
    return {
      archived: ACCOUNTS.map((account) => this.oracle.archived(account)),
      left: ACCOUNTS.map((account) => this.server.mailbox(account).entries.map(({ uidl }) => uidl)),
    };
  }
}
