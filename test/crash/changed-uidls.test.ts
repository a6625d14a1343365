/**
 * A server that gave its messages other unique-ids, and the program killed at each step of the run that finds it out: what the
 * next runs come to must be what an undisturbed one comes to, with nothing stored twice and nothing lost.
 */
import { expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import type { MessageInput } from '../../src/demo/mailbox.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { tellFigure } from '../support/figures.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { inLanes } from '../support/lanes.ts';

const mail = (subject: string, body: string): Buffer => Buffer.from(`Subject: ${subject}\r\n\r\n${body}\r\n`);

/** Known by their headers; two that are equal; and three that only their octets tell apart. */
const MAIL: readonly MessageInput[] = [
  ...['one', 'two', 'three', 'four'].map((name) => mail(name, name)),
  mail('twin', 'sent twice'),
  mail('twin', 'sent twice'),
  ...['full', 'good', 'away'].map((state) => mail('disk', state)),
];
const LATE = mail('late', 'came to the new server');
const ALL = MAIL.length + 1;

/** Between two commits nothing of it is durable, but for what sinks do; those have their own tests. */
const STEPS = ['ledger.after-commit', 'account.listed', 'account.reconciled', 'batch.stored'];

interface EndState {
  readonly archived: unknown;
  readonly states: unknown;
  readonly change: unknown;
  readonly left: number;
}

class MovedBed implements AsyncDisposable {
  readonly #folder = new JobFolder();
  readonly #server: DemoServer;
  readonly #job: string;

  private constructor(server: DemoServer) {
    this.#server = server;
    this.#job = this.#folder.writeJob(
      server.port,
      { accounts: ['alice'], delete: { after: 'verified', age: 0 } },
      'deleting.yaml',
    );
  }

  /** The mail is archived by the old server's unique-ids, then the server changes. */
  static async make(): Promise<MovedBed> {
    const users = [{ name: 'alice', password: PASSWORD, messages: MAIL }];
    const bed = new MovedBed(await DemoServer.start({ users }));
    const job = bed.#folder.writeJob(bed.#server.port, { accounts: ['alice'] });
    expect(await bed.#folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    const mailbox = bed.#server.mailbox('alice');
    mailbox.replaceEntries((entries) =>
      entries.map((entry, index) => ({ ...entry, uidl: `moved-${entries.length - index}` })),
    );
    mailbox.append(LATE);
    return bed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    await this.#folder[Symbol.asyncDispose]();
  }

  async run(failpoint = ''): Promise<{ readonly signal: string | null; readonly stderr: string }> {
    const env = { MAILFERRY_FAILPOINT: failpoint };
    const { code, signal, stderr } = await this.#folder.run(
      ['run', '--json', '--log-level', 'error', this.#job],
      {
        env,
      },
    );
    expect([code, signal]).toContainEqual(signal === null ? 0 : 'SIGKILL');
    return { signal, stderr };
  }

  get left(): number {
    return this.#server.mailbox('alice').entries.length;
  }

  /** After each run that ended: each message is there at most once, and what the server lost is archived. */
  check(): void {
    const { maildir, mbox } = this.#folder.archived('alice');
    expect([maildir.length, mbox.length].every((count) => count >= MAIL.length && count <= ALL)).toBe(true);
    expect(this.#server.mailbox('alice').deleted.length === 0 || maildir.length === ALL).toBe(true);
  }

  /** Runs that nothing disturbs, until nothing is left to do. */
  async settle(): Promise<EndState> {
    for (let run = 0; run < 3; run += 1) {
      await this.run();
      this.check();
    }
    const reader = openLedgerReader({ statePath: `${this.#folder.path}/state` });
    const [account] = reader?.accounts() ?? [];
    reader?.close();
    const { followed, settledAt } = account?.uidlChange ?? { followed: 0, settledAt: null };
    return {
      archived: this.#folder.archived('alice'),
      states: account?.byState,
      change: { followed, isSettled: settledAt !== null },
      left: this.left,
    };
  }
}

it('Q12: killed at each step of recognising: ends as an undisturbed run does, every message stored once', async () => {
  await using undisturbed = await MovedBed.make();
  const { failpoints } = JSON.parse((await undisturbed.run('count')).stderr);
  const expected = await undisturbed.settle();
  expect(expected).toMatchObject({
    states: { deleted: ALL },
    change: { followed: MAIL.length, isSettled: true },
    left: 0,
  });
  const cases = Object.entries(failpoints)
    .filter(([name]) => STEPS.includes(name))
    .flatMap(([name, count]) => Array.from({ length: Number(count) }, (_, n) => `kill@${name}:${n + 1}`));
  let kills = 0;
  await inLanes(cases, async (failpoint) => {
    await using bed = await MovedBed.make();
    const { signal } = await bed.run(failpoint);
    kills += signal === 'SIGKILL' ? 1 : 0;
    expect(bed.left, failpoint).toBe(ALL);
    expect(await bed.settle(), failpoint).toEqual(expected);
  });
  expect(kills).toBe(cases.length);
  tellFigure(
    `changed unique-ids: killed at each of ${kills} steps, each time with the end of an undisturbed run`,
  );
}, 240_000);
