/**
 * The built program below strace, which fails its system calls on the job's files one by one: those of SQLite, of the lock and
 * of the spool too, which no seam in the program reaches. The sample is small here; MAILFERRY_FULL_FAULTS=1 tries them all.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { maildirFiles, mboxDigests, sha256, storedDigests } from '../support/archives.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { requireProgram } from '../support/programs.ts';
import { FaultTally } from './support/tally.ts';
import { runWrapped } from './support/wrapped.ts';

const strace = requireProgram('strace');
const tally = new FaultTally('failing system calls');

afterAll(() => tally.print());

/** What each call may answer; the n-th point takes the n-th of them. */
const ERRORS: Readonly<Record<string, readonly string[]>> = {
  openat: ['EMFILE', 'EACCES', 'ENOSPC', 'EIO'],
  write: ['ENOSPC', 'EIO'],
  pwrite64: ['ENOSPC', 'EIO'],
  fsync: ['EIO', 'ENOSPC'],
  fdatasync: ['EIO', 'ENOSPC'],
  ftruncate: ['ENOSPC', 'EIO'],
  rename: ['ENOSPC', 'EACCES', 'EIO'],
  link: ['ENOSPC', 'EACCES'],
  unlink: ['EIO', 'EACCES'],
  mkdir: ['ENOSPC', 'EACCES'],
};
const CALLS = Object.keys(ERRORS);

/** Small ones, and one that goes through the spool. */
const MAIL = [
  ...['one', 'two', 'From three', 'four'].map((text) => Buffer.from(`Subject: x\r\n\r\n${text}\r\n`)),
  Buffer.from(`Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(40_000)}`),
];

interface Point {
  readonly call: string;
  readonly error: string;
  readonly nth: number;
  readonly isForEver: boolean;
}

class Bed implements AsyncDisposable {
  readonly folder = new JobFolder();
  readonly server: DemoServer;
  readonly #job: string;

  private constructor(server: DemoServer) {
    this.server = server;
    const deleting = { delete: { after: 'verified' }, limits: { patience: '2s', memory: 0 } };
    this.#job = this.folder.writeJob(server.port, { accounts: ['alice'], ...deleting });
  }

  static async make(): Promise<Bed> {
    const users = [{ name: 'alice', password: PASSWORD, messages: MAIL }];
    return new Bed(await DemoServer.start({ users }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.folder[Symbol.asyncDispose]();
  }

  run(): ReturnType<JobFolder['run']> {
    return this.folder.run(['run', '--quiet', this.#job]);
  }

  /** One run below strace, and the calls it traced. */
  async trace(
    expressions: readonly string[],
  ): Promise<Awaited<ReturnType<typeof runWrapped>> & { lines: Line[] }> {
    const log = join(this.folder.path, 'strace.log');
    const options = expressions.flatMap((expression) => ['-e', expression]);
    // With SECCOMP_BPF only the traced calls stop the program; -y shows the path of each descriptor.
    const wrapper = [
      strace.path,
      '-f',
      '-qq',
      '-y',
      '-s',
      '0',
      '-o',
      log,
      '--seccomp-bpf',
      ...options,
    ] as const;
    const end = await runWrapped(
      [strace.path, ...wrapper.slice(1)],
      ['run', '--quiet', this.#job],
      this.folder.path,
    );
    return { ...end, lines: linesOf(readFileSync(log, 'latin1'), this.folder.path) };
  }

  /** What is neither on the server nor in both sinks. A removal that failed may leave something in `tmp` until the next run. */
  broken(): string[] {
    const folder = this.folder.maildir('alice');
    const paths = existsSync(join(folder, 'cur')) ? maildirFiles(folder) : [];
    const maildir = paths.map((path) => sha256(readFileSync(path)));
    const mbox = mboxDigests(this.folder.mbox('alice'), 'may be torn');
    const onServer = storedDigests(
      this.server.mailbox('alice').entries.flatMap(({ content }) => asBuffer(content)),
    );
    return storedDigests(MAIL).filter(
      (digest) => !onServer.includes(digest) && !(maildir.includes(digest) && mbox.includes(digest)),
    );
  }
}

function asBuffer(content: unknown): Buffer[] {
  return Buffer.isBuffer(content) ? [content] : [];
}

interface Line {
  readonly call: string;
  /** Counted in its thread, as strace counts for `when=`. */
  readonly nth: number;
  readonly isInjected: boolean;
  /** About a file of the job; the others are the program's own. */
  readonly isOurs: boolean;
}

function linesOf(log: string, folder: string): Line[] {
  const counts = new Map<string, number>();
  const lines: Line[] = [];
  for (const text of log.split('\n')) {
    const [, thread, call] = /^(\d+) +(\w+)\(/.exec(text) ?? [];
    if (thread !== undefined && call !== undefined) {
      const nth = (counts.get(`${thread} ${call}`) ?? 0) + 1;
      counts.set(`${thread} ${call}`, nth);
      // The folder is also the one that the program runs in. A job file that cannot be read is wrong usage.
      const isOurs = text.replaceAll(/AT_FDCWD<[^>]*>/g, '').includes(folder) && !text.includes('/job.yaml');
      lines.push({ call, nth, isInjected: text.includes('(INJECTED)'), isOurs });
    }
  }
  return lines;
}

/** Every call on the job's files in an undisturbed run, by its number. */
async function findPoints(): Promise<readonly Point[]> {
  await using bed = await Bed.make();
  const { code, lines } = await bed.trace([`trace=${CALLS.join(',')}`]);
  expect(code).toBe(0);
  const seen = new Set<string>();
  return lines.flatMap(({ call, nth, isOurs }) => {
    const key = `${call} ${nth}`;
    if (!isOurs || seen.has(key)) {
      return [];
    }
    seen.add(key);
    const errors = ERRORS[call] ?? [];
    return [{ call, nth, error: errors[seen.size % errors.length] ?? 'EIO', isForEver: seen.size % 2 === 0 }];
  });
}

/** @returns whether nothing failed but calls on the job's files: a program that cannot load itself is judged by its mail alone */
async function strikeAt({ call, error, nth, isForEver }: Point): Promise<boolean> {
  await using bed = await Bed.make();
  const when = `${nth}${isForEver ? '+' : ''}`;
  const { code, stderr, lines } = await bed.trace([
    `trace=${call}`,
    `inject=${call}:error=${error}:when=${when}`,
  ]);
  const where = `${call}:${error}:when=${when} ended with ${code}: ${stderr}`;
  expect.soft(bed.broken(), where).toEqual([]);
  const struck = lines.filter(({ isInjected }) => isInjected);
  const isStruck = struck.length > 0 && struck.every(({ isOurs }) => isOurs);
  if (isStruck) {
    expect.soft([0, 3, 5], where).toContain(code);
    expect.soft(stderr, where).not.toMatch(/^ +at .*\(/m);
  }
  const next = await bed.run();
  expect.soft(next, `the run after ${where}`).toMatchObject({ code: 0 });
  const all = storedDigests(MAIL);
  expect.soft(bed.folder.archived('alice'), where).toEqual({ maildir: all, mbox: all });
  expect.soft(bed.server.mailbox('alice').entries, where).toEqual([]);
  return isStruck;
}

strace.it(
  'a failed call on any file of the job loses nothing, and the next run mends it',
  async () => {
    const points = await findPoints();
    expect(points.length).toBeGreaterThan(50);
    const sample = sampleOf(points);
    let struck = 0;
    for (const point of sample) {
      struck += (await strikeAt(point)) ? 1 : 0;
      tally.add(point.call);
    }
    tally.add('of these on the job’s files', struck);
    tally.add('places in all', points.length);
    expect(struck).toBeGreaterThan(sample.length / 2);
  },
  3_600_000,
);

function sampleOf(points: readonly Point[]): readonly Point[] {
  if (process.env['MAILFERRY_FULL_FAULTS'] === '1') {
    return points;
  }
  if (process.env['CI'] === 'true') {
    // Of each call one that fails once and one that fails for ever, amid those that there are.
    return CALLS.flatMap((call) =>
      [false, true].flatMap((isForEver) =>
        evenlyOf(
          points.filter((point) => point.call === call && point.isForEver === isForEver),
          1,
        ),
      ),
    );
  }
  return evenlyOf(points, 4);
}

/** So many of them, evenly spread. */
function evenlyOf(points: readonly Point[], count: number): readonly Point[] {
  const stride = points.length / count;
  return Array.from({ length: count }, (_, index) => points[Math.floor((index + 0.5) * stride)]).filter(
    (point) => point !== undefined,
  );
}
