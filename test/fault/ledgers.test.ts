/** Ledgers that are damaged, foreign, from the future or gone: what is said, and that nothing is deleted on their word. */
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exitCodeOfError, exitCodeOfOutcome } from '../../src/cli/exit-code.ts';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { Mailbox } from '../../src/demo/mailbox.ts';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import { Database } from '../../src/ledger/sqlite.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { seededRandom } from '../support/random.ts';
import { DELETE_ALL, FaultBed } from './support/fault-bed.ts';
import { FaultTally, strideOf } from './support/tally.ts';

const USERS = ['alice'];
const MESSAGES = 5;
const YOUNG = { deletion: { ...DELETE_ALL, ageMs: 3_600_000 } };
const tally = new FaultTally('damaged ledgers');

afterAll(() => tally.print());

const ledgerOf = (bed: FaultBed): string => join(bed.folder, 'state', 'ledger.db');

/** Everything archived and verified, nothing deleted yet, and the ledger closed. */
async function archivedBefore(): Promise<FaultBed> {
  const bed = await FaultBed.make({ users: USERS });
  expect(await bed.run(undefined, YOUNG)).toMatchObject({ outcome: 'done' });
  return bed;
}

function replaceLedger(bed: FaultBed, octets: Buffer): void {
  replaceFile(ledgerOf(bed), octets);
}

/** Puts a file in the ledger's place: a new file, which no handle of an earlier run has open. */
function replaceFile(path: string, octets: Buffer): void {
  for (const suffix of ['-wal', '-shm']) {
    rmSync(path + suffix, { force: true });
  }
  writeFileSync(`${path}.new`, octets);
  renameSync(`${path}.new`, path);
}

/** How the run ended: an outcome, or the error that there was no run for. */
async function endOf(bed: FaultBed): Promise<{ code: number; error: MailferryError | undefined }> {
  tally.add('runs');
  try {
    const { outcome } = await bed.run();
    return { code: exitCodeOfOutcome(outcome), error: undefined };
  } catch (thrown) {
    if (thrown instanceof MailferryError) {
      return { code: exitCodeOfError(thrown), error: thrown };
    }
    throw thrown;
  }
}

describe('a ledger that cannot be used', () => {
  it.each([
    [
      'random octets',
      (good: Buffer) => Buffer.from(good.map((_, at) => (at * 7919) % 251)),
      'ledger-damaged',
    ],
    ['a text file', () => Buffer.from('dear ledger,\n'.repeat(1000)), 'ledger-damaged'],
    ['a page short', (good: Buffer) => good.subarray(0, good.length - 4096), 'ledger-damaged'],
    ['cut in the middle of a page', (good: Buffer) => good.subarray(0, 6000), 'ledger-damaged'],
  ])(
    '%s: exit code 3, nothing is asked of the server, and a backup mends it',
    async (_what, damage, code) => {
      await using bed = await archivedBefore();
      const good = readFileSync(ledgerOf(bed));
      replaceLedger(bed, damage(good));
      const sessions = bed.server.record.sessions;
      const end = await endOf(bed);
      expect(end).toMatchObject({
        code: 3,
        error: { code, scope: 'run', hint: expect.stringContaining('backup') },
      });
      expect(end.error?.message).toContain(ledgerOf(bed));
      expect(bed.server.record.sessions).toBe(sessions);
      replaceLedger(bed, good);
      expect(await bed.run()).toMatchObject({ outcome: 'done' });
      expect(bed.unfinished()).toEqual([]);
    },
  );

  it('of a newer schema: exit code 3, it stays as it is, and it says which version is needed', async () => {
    await using bed = await archivedBefore();
    const database = new Database(ledgerOf(bed), { readOnly: false, busyTimeoutMs: 0 });
    database.exec('PRAGMA user_version = 999');
    database.checkpoint();
    database.close();
    const before = readFileSync(ledgerOf(bed));
    expect(await endOf(bed)).toMatchObject({
      code: 3,
      error: { code: 'ledger-newer', hint: expect.stringContaining('Upgrade') },
    });
    expect(readFileSync(ledgerOf(bed)).equals(before)).toBe(true);
  });

  it.each([
    ['gone', (bed: FaultBed) => rmSync(ledgerOf(bed))],
    ['empty', (bed: FaultBed) => truncateSync(ledgerOf(bed))],
  ])(
    '%s: everything is fetched again before anything is deleted; a Maildir keeps one copy',
    async (_what, lose) => {
      await using bed = await archivedBefore();
      replaceLedger(bed, Buffer.alloc(0));
      lose(bed);
      expect(await endOf(bed)).toMatchObject({ code: 0 });
      expect(bed.server.record.count('RETR')).toBe(2 * MESSAGES);
      expect(bed.broken()).toEqual([]);
      expect(bed.maildir('alice')).toHaveLength(MESSAGES);
      // An mbox cannot tell its own mail from a stranger's once the ledger is gone.
      expect(bed.mbox('alice')).toHaveLength(2 * MESSAGES);
    },
  );
});

describe('a ledger with random damage', () => {
  const SEEDS = 96 / strideOf({ inChecks: 4, otherwise: 12 });

  it(`never leads to a deletion of what is not held, over ${SEEDS} seeds`, async () => {
    await using folder = new JobFolder();
    const mailbox = new Mailbox(someMessages(20));
    await using server = await DemoServer.start({
      users: [{ name: 'alice', password: PASSWORD, messages: mailbox }],
    });
    const archive = folder.writeJob(server.port, { accounts: ['alice'], verify: 'readback' }, 'archive.json');
    const erase = folder.writeJob(
      server.port,
      { accounts: ['alice'], delete: { after: 'verified' } },
      'delete.json',
    );
    expect(await folder.run(['run', '--quiet', archive])).toMatchObject({ code: 0, stderr: '' });
    const ledger = join(folder.path, 'state', 'ledger.db');
    const good = readFileSync(ledger);
    const mail = mailbox.entries;
    const stored = new Map(mail.map(({ uidl, content }) => [uidl, storedDigest(content)]));
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      mailbox.replaceEntries(() => mail);
      replaceFile(ledger, damaged(good, seededRandom(`ledger ${seed}`)));
      const { code, signal, stderr } = await folder.run(['run', '--quiet', erase]);
      const end = signal ?? `exit code ${code}`;
      tally.add(end);
      // libsql ends the process where a damaged text is no UTF-8 any more: as safe as kill -9, and as silent.
      expect(['exit code 0', 'exit code 3', 'SIGABRT'], `seed ${seed}: ${stderr}`).toContain(end);
      const { maildir, mbox } = folder.archived('alice');
      const left = new Set(mailbox.entries.map(({ uidl }) => uidl));
      for (const [uidl, digest] of stored) {
        const isHeld = maildir.includes(digest) && mbox.includes(digest);
        expect(isHeld || left.has(uidl), `seed ${seed}: ${uidl}`).toBe(true);
      }
    }
  }, 600_000);
});

function storedDigest(content: unknown): string {
  const [digest] = Buffer.isBuffer(content) ? storedDigests([content]) : [];
  if (digest === undefined) {
    throw new Error('messages of this test are Buffers');
  }
  return digest;
}

/** A few octets changed, or a block of them overwritten. The header stays: damage there is another test's. */
function damaged(good: Buffer, random: (limit: number) => number): Buffer {
  const octets = Buffer.from(good);
  const place = (): number => 100 + random(octets.length - 100);
  if (random(2) === 0) {
    for (let count = 1 + random(20); count > 0; count -= 1) {
      octets[place()] = random(256);
    }
  } else {
    const start = place();
    octets.fill(random(2) === 0 ? 0 : 0xa5, start, start + random(2048));
  }
  return octets;
}
