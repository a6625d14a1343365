/**
 * A job whose archives were damaged after its run: something is missing and something changed in each of its sinks, and all of it
 * is still on the server. `run --refetch missing` is what crash tests kill here.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { sha256 } from '../support/archives.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { S3Double } from '../support/s3-double.ts';

const MAIL = [1, 2, 3, 4].map((number) =>
  Buffer.from(`Subject: ${number}\r\n\r\nthe body of message ${number}\r\nFrom here\r\n`),
);

/** Digests of all that lies in the archives, damaged copies too. */
export interface HealedState {
  readonly maildir: readonly string[];
  readonly setAside: readonly string[];
  readonly mbox: readonly string[];
  readonly objects: readonly string[];
}

export class RefetchBed implements AsyncDisposable {
  readonly #folder = new JobFolder();
  readonly #server: DemoServer;
  readonly #store: S3Double;
  readonly #job: string;

  private constructor(server: DemoServer, store: S3Double) {
    this.#server = server;
    this.#store = store;
    const s3 = {
      bucket: store.bucket,
      endpoint: store.endpoint,
      security: 'plaintext',
      credentials: { accessKeyId: store.accessKeyId, secretAccessKey: { env: 'S3_SECRET' } },
    };
    const sinks = [{ maildir: './maildir/{account}' }, { mbox: './mbox/{account}.mbox' }, { s3 }];
    this.#job = this.#folder.writeJob(server.port, { accounts: ['alice'], sinks });
  }

  static async make(): Promise<RefetchBed> {
    const users = [{ name: 'alice', password: PASSWORD, messages: MAIL }];
    const bed = new RefetchBed(await DemoServer.start({ users }), await S3Double.start());
    await bed.#runWell('run', '--quiet');
    bed.#damage();
    return bed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    await this.#store[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }

  /** In a process of its own. @returns what it printed where it was to count */
  async run(failpoint: string): Promise<{ wasKilled: boolean; stderr: string }> {
    const env = { ...this.#env, MAILFERRY_FAILPOINT: failpoint };
    const { code, signal, stderr } = await this.#folder.run(
      ['run', '--quiet', '--refetch', 'missing', this.#job],
      { env },
    );
    expect(code === 0 || signal === 'SIGKILL', stderr).toBe(true);
    return { wasKilled: signal === 'SIGKILL', stderr };
  }

  /** Fetches what is still lost, finds all archives whole, and has nothing left to fetch. */
  async settle(): Promise<HealedState> {
    await this.#runWell('run', '--quiet', '--refetch', 'missing');
    await this.#runWell('verify', '--quiet');
    const { record } = this.#server;
    const [state, fetched] = [this.#state(), record.count('RETR')];
    await this.#runWell('run', '--quiet', '--refetch', 'missing');
    expect([this.#state(), record.count('RETR')]).toEqual([state, fetched]);
    expect(this.#server.mailbox('alice').entries).toHaveLength(MAIL.length);
    return state;
  }

  get #env(): Readonly<Record<string, string>> {
    return { S3_SECRET: this.#store.secretAccessKey };
  }

  async #runWell(...args: readonly string[]): Promise<void> {
    const ended = await this.#folder.runHere([...args, this.#job], this.#env);
    expect(ended).toMatchObject({ code: 0 });
  }

  #damage(): void {
    const folder = join(this.#folder.maildir('alice'), 'new');
    const [changed = '', removed = ''] = readdirSync(folder).sort();
    spoil(join(folder, changed), 20);
    rmSync(join(folder, removed));
    const mbox = this.#folder.mbox('alice');
    spoil(mbox, readFileSync(mbox).indexOf('body of message 3'));
    const [first = '', second = ''] = this.#keys();
    const object = this.#store.objects.get(first);
    if (object === undefined) throw new Error('nothing was stored');
    object.octets = Buffer.from('spoilt');
    this.#store.objects.delete(second);
  }

  #keys(): readonly string[] {
    const isMessage = (headers: Record<string, string>): boolean => 'x-amz-meta-mailferry-sha256' in headers;
    return [...this.#store.objects].flatMap(([key, { headers }]) => (isMessage(headers) ? [key] : [])).sort();
  }

  #state(): HealedState {
    const maildir = this.#folder.maildir('alice');
    return {
      maildir: digestsIn(join(maildir, 'new')),
      setAside: digestsIn(join(maildir, 'damaged')),
      // With each message's separator, whose date is when it was stored: without it.
      mbox: readFileSync(this.#folder.mbox('alice'), 'latin1')
        .split(/^From \S+ .*\n/m)
        .map((message) => sha256(Buffer.from(message, 'latin1')))
        .sort(),
      objects: this.#keys().map((key) => `${key} ${this.#store.objects.get(key)?.octets.length}`),
    };
  }
}

function digestsIn(folder: string): readonly string[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.map((name) => `${name} ${sha256(readFileSync(join(folder, name)))}`).sort();
}

function spoil(path: string, offset: number): void {
  const octets = readFileSync(path);
  octets.writeUInt8(octets.readUInt8(offset) ^ 1, offset);
  writeFileSync(path, octets);
}
