/**
 * Whole runs of the real engine and pipeline against spoilt servers: several accounts, each with a relay before a demo server
 * or a player of a transcript. Three runs on one ledger: two spoilt, and one against servers that are good again.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asReceived } from '../../src/demo/dot-stuffing.ts';
import type { AccountCounts } from '../../src/ledger/ledger.ts';
import type { RunResult } from '../../src/pipeline/run-job.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import { parseTranscript, type Step } from '../replay/transcript.ts';
import { JobBed } from '../support/job-bed.ts';
import { completeBodies } from './complete-bodies.ts';
import { Dice } from './dice.ts';
import { invent } from './mutate.ts';
import { PeakMemory } from './peak-memory.ts';
import { type Spoiling, type SpoiltServer, spoiltPlayer, spoiltRelay } from './wire.ts';

export interface SessionFigures {
  sessions: number;
  /** Sent by spoilt servers. */
  octets: number;
  archived: number;
  /** What the process held at most after a collection, in the middle of a flood, beyond what it held before. */
  peakOctets: number;
}

const ACCOUNTS = 6;
const SPOILINGS: readonly Spoiling[] = [
  ...Array<Spoiling>(4).fill('ended'),
  ...Array<Spoiling>(7).fill('changed'),
  'flooded',
];

/** The client's patience in spoilt runs; good servers may be slow on a busy machine. */
const SPOILT_MS = 250;
const GOOD_MS = 30_000;
/** What no run may take, however often it is disappointed. */
const HANG_MS = 180_000;
/** Six accounts with a batch, a window and a socket each, far below the octets of a flood. */
const MAX_PEAK_OCTETS = 48 * 1024 * 1024;

interface Subject {
  readonly name: string;
  readonly host: string;
  readonly spoiling: Spoiling;
  /** As a client receives them. */
  readonly messages: readonly Buffer[];
  readonly server: SpoiltServer;
  readonly isRelay: boolean;
  /** Digests of what was sent whole so far, and how many sessions were looked at for it. */
  readonly complete: Set<string>;
  judged: number;
}

/** Read once a process. As seen from the root of the repository: this file also runs compiled, elsewhere. */
const FOLDER = join('test', 'replay', 'transcripts');
const TRANSCRIPTS: readonly (readonly Step[])[] = readTranscripts();

function readTranscripts(): readonly (readonly Step[])[] {
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.txt'))
    .sort()
    .map((name) => parseTranscript(name, readFileSync(join(FOLDER, name), 'utf8')).steps);
}

/** One case. @throws Error with what was found; the seed finds it again, as far as a loopback line does. */
export async function fuzzSessions(seed: number): Promise<SessionFigures> {
  const dice = new Dice(seed);
  const users = Array.from({ length: ACCOUNTS }, (_, index) => ({
    name: `user${index}`,
    password: 'secret',
    messages: mailOf(dice),
  }));
  await using bed = await JobBed.make({ users });
  const memory = new PeakMemory();
  const subjects = await Promise.all(users.map((user, index) => spoil(user, index, bed, dice, memory)));
  try {
    for (const day of [0, 1]) {
      judge(await run(bed, subjects, day, SPOILT_MS), bed, subjects);
    }
    const relayed = subjects.filter(({ isRelay }) => isRelay);
    for (const { server } of relayed) {
      server.mend();
    }
    const last = await run(bed, relayed, 2, GOOD_MS);
    judge(last, bed, relayed);
    judgeEnd(last, bed, relayed);
    expectThat(
      memory.peakOctets < MAX_PEAK_OCTETS,
      `a flood made the process hold ${memory.peakOctets} octets`,
    );
    return figuresOf(bed, subjects, memory);
  } catch (thrown) {
    throw new Error(`seed ${seed}`, { cause: thrown });
  } finally {
    await Promise.all(subjects.map(({ server }) => server.close()));
  }
}

function mailOf(dice: Dice): readonly Buffer[] {
  const messages = Array.from({ length: dice.below(9) }, (_, index) => {
    const header = dice.oneIn(6)
      ? ''
      : `Subject: ${index}\r\nDate: Thu, 1 Jan 2015 00:00:0${index} +0000\r\n\r\n`;
    const body = dice.oneIn(3) ? invent(dice, 30) : Buffer.from('text and text\r\n'.repeat(dice.below(400)));
    return Buffer.concat([Buffer.from(header), body]);
  });
  return dice.oneIn(3) ? [...messages, ...messages.slice(0, 1)] : messages;
}

async function spoil(
  { name, messages }: { readonly name: string; readonly messages: readonly Buffer[] },
  index: number,
  bed: JobBed,
  dice: Dice,
  memory: PeakMemory,
): Promise<Subject> {
  const isRelay = !dice.oneIn(5);
  const spoiling = dice.pick(SPOILINGS);
  // Another loopback address is another host: what one server is remembered for does not concern the others.
  const host = `127.0.0.${index + 2}`;
  const own = new Dice(dice.below(2 ** 31));
  const options = { host, dice: own, spoiling, onFlooded: () => memory.look() };
  const server = isRelay
    ? await spoiltRelay(bed.server.port, options)
    : await spoiltPlayer(dice.pick(TRANSCRIPTS), options);
  const received = messages.map(asReceived);
  return { name, host, spoiling, messages: received, server, isRelay, complete: new Set(), judged: 0 };
}

/** @param day what a server asked to wait for is over by the next one */
async function run(
  bed: JobBed,
  subjects: readonly Subject[],
  day: number,
  timeoutMs: number,
): Promise<RunResult> {
  const accounts = subjects.map(({ name, host, server: { port } }) =>
    bed.source({ name, password: 'secret' }, { host, port, timeoutMs }),
  );
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`a run hangs for ${HANG_MS} ms`)), HANG_MS);
  });
  const now = (): number => Date.now() + day * 24 * 60 * 60 * 1000;
  const batch = { messages: 16, octets: 256 * 1024 };
  try {
    return await Promise.race([bed.run({ accounts, now, batch, maxAttempts: 1_000 }), hang]);
  } finally {
    clearTimeout(timer);
  }
}

/** What must be true after any run. */
function judge({ accounts, counts }: RunResult, bed: JobBed, subjects: readonly Subject[]): void {
  expectThat(
    accounts.length === subjects.length,
    `${accounts.length} accounts of ${subjects.length} were run`,
  );
  for (const { account, outcome, counts: own, failure } of accounts) {
    expectThat(outcome !== 'unexpected', `${account} ended with a defect: ${failure?.text}`);
    expectThat(addsUp(own), `${account} does not add up: ${JSON.stringify(own)}`);
  }
  expectThat(addsUp(counts), `the run does not add up: ${JSON.stringify(counts)}`);
  const spool = readdirSync(join(bed.folder, 'state', 'spool'));
  expectThat(spool.length === 0, `the spool still has ${spool}`);
  for (const subject of subjects) {
    const { server, complete, name } = subject;
    for (const sent of server.sent.slice(subject.judged)) {
      for (const digest of completeBodies(Buffer.concat(sent))) {
        complete.add(digest);
      }
    }
    subject.judged = server.sent.length;
    for (const octets of heldBy(bed, name)) {
      const text = `${name} holds what was never sent whole: ${JSON.stringify(octets.toString('latin1', 0, 400))}`;
      expectThat(complete.has(digestOf(octets)), text);
    }
  }
}

/** After a run against good servers: where nothing but connections was spoilt, all is there, once. */
function judgeEnd({ accounts }: RunResult, bed: JobBed, subjects: readonly Subject[]): void {
  for (const { name, spoiling, messages } of subjects) {
    const { outcome, failure } = accounts.find(({ account }) => account === name) ?? {};
    expectThat(
      outcome === 'done',
      `${name} (${spoiling}) ended ${outcome} with a good server: ${failure?.text}`,
    );
    if (spoiling === 'ended') {
      const [held, offered] = [heldBy(bed, name), messages].map((all) => all.map(digestOf).sort().join());
      expectThat(held === offered, `${name} does not hold what was offered, each once`);
    }
  }
}

function addsUp({
  listed,
  archivedNow,
  archivedBefore,
  skipped,
  quarantined,
  failed,
}: AccountCounts): boolean {
  return listed === archivedNow + archivedBefore + skipped + quarantined + failed;
}

function heldBy({ sinks: [sink] }: JobBed, name: string): readonly Buffer[] {
  return sink instanceof MemorySink ? [...(sink.held.get(name)?.values() ?? [])] : [];
}

function figuresOf(bed: JobBed, subjects: readonly Subject[], memory: PeakMemory): SessionFigures {
  const sent = subjects.flatMap(({ server }) => server.sent);
  return {
    sessions: sent.length,
    octets: sent.reduce((sum, octets) => sum + octets.reduce((all, { length }) => all + length, 0), 0),
    archived: subjects.reduce((sum, { name }) => sum + heldBy(bed, name).length, 0),
    peakOctets: memory.peakOctets,
  };
}

function digestOf(octets: Buffer): string {
  return createHash('sha256').update(octets).digest('hex');
}

function expectThat(isTrue: boolean, otherwise: string): void {
  if (!isTrue) {
    throw new Error(otherwise);
  }
}
