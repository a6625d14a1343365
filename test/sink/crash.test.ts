/**
 * Each sink killed at every single call to the disk and on both sides of every write of the journal, opened again, killed
 * once more, opened again and finished: all of the mail is there, none of it twice, and every receipt holds.
 */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Disk, NODE_DISK } from '../../src/sink/disk.ts';
import type { Receipt, SinkArchive, SinkJournal, StorableMessage } from '../../src/sink/sink.ts';
import { ALICE, type SinkHarness, storable, TestJournal } from '../contract/sink-contract.ts';
import { Dead, dyingDisk, type FaultyDisk } from './dying-disk.ts';
import { folderName, maildirHarness, mboxHarness } from './harnesses.ts';

const BATCHES: readonly (readonly StorableMessage[])[] = [
  [storable('one\r\n', '1'), storable('two\r\nFrom x\r\n', '2'), storable('three, no end', '3')],
  [
    storable('four\nbare\n', '4'),
    storable('', '5'),
    storable('same\r\n', '6', 0),
    storable('same\r\n', '6', 1),
  ],
  [storable(`seven\r\n${'From here\r\n'.repeat(1000)}`, '7')],
];
const ALL = BATCHES.flat();

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-crash-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The pipeline and the ledger, as small as can be: journal and receipts are recorded together. */
class Account {
  readonly journal = new TestJournal();
  readonly receipts = new Map<StorableMessage, Receipt>();

  async run(archive: SinkArchive): Promise<void> {
    for (const batch of BATCHES) {
      const missing = batch.filter((message) => !this.receipts.has(message));
      if (missing.length === 0) {
        continue;
      }
      const { outcomes, journal } = await archive.store(missing, new AbortController().signal);
      await this.journal.write(journal ?? null);
      for (const [index, outcome] of outcomes.entries()) {
        const message = missing[index];
        if (outcome.kind === 'stored' && message !== undefined) {
          this.receipts.set(message, outcome.receipt);
        }
      }
    }
  }
}

/** The journal of a process that dies before or after a write of it. */
function dyingJournal(journal: SinkJournal, { step }: FaultyDisk): SinkJournal {
  return {
    read: () => journal.read(),
    write: async (value) => {
      step();
      await journal.write(value);
      step();
    },
  };
}

/** One run, cut short at a call. @returns whether it was */
async function runUntilDeath(
  makeHarness: (disk: Disk) => SinkHarness,
  account: Account,
  atCall: number,
): Promise<boolean> {
  const dying = dyingDisk(atCall);
  try {
    const sink = makeHarness(dying.disk).openSink();
    const archive = await sink.openArchive(ALICE, dyingJournal(account.journal, dying));
    await account.run(archive);
    await archive.close();
    return false;
  } catch (thrown) {
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
    if (!(cause instanceof Dead)) {
      throw thrown;
    }
    return true;
  }
}

interface Case {
  readonly name: string;
  readonly harness: (folder: string, disk: Disk) => SinkHarness;
  readonly rootIn: (store: string) => string;
  /** What other programs do to the archive between two runs. */
  readonly meanwhile: (root: string) => void;
}

/** As a reader does, with and without flags, and with a keyword of Dovecot's. */
function moveToCur(root: string): void {
  for (const [index, name] of existsSync(join(root, 'cur')) ? readdirSync(join(root, 'new')).entries() : []) {
    renameSync(join(root, 'new', name), join(root, 'cur', `${name}:2,${['', 'S', 'FS', 'Sab'][index % 4]}`));
  }
}

const nothing = (): void => undefined;
const maildir = { harness: maildirHarness, rootIn: (store: string) => join(store, folderName(ALICE)) };
const mbox = { harness: mboxHarness, rootIn: (store: string) => join(store, `${folderName(ALICE)}.mbox`) };

const CASES: readonly Case[] = [
  { ...maildir, name: 'a Maildir', meanwhile: nothing },
  { ...maildir, name: 'a Maildir whose reader moves all mail to cur', meanwhile: moveToCur },
  { ...mbox, name: 'an mbox', meanwhile: nothing },
];

describe.each(CASES)('$name', ({ harness, rootIn, meanwhile }) => {
  async function dieTwiceAndFinish(store: string, atCall: number): Promise<boolean> {
    const account = new Account();
    const root = rootIn(store);
    const healthy = harness(store, NODE_DISK);
    const runAndDie = (call: number): Promise<boolean> =>
      runUntilDeath((disk) => harness(store, disk), account, call);
    if (!(await runAndDie(atCall))) {
      return false;
    }
    meanwhile(root);
    healthy.kill?.(root);
    if (await runAndDie(1 + ((atCall * 7) % 30))) {
      meanwhile(root);
      healthy.kill?.(root);
    }
    const archive = await healthy.openSink().openArchive(ALICE, account.journal);
    await account.run(archive);
    expect(healthy.count(archive.root)).toBe(ALL.length);
    for (const message of ALL) {
      const receipt = account.receipts.get(message);
      expect(receipt && (await archive.verify(receipt))).toEqual({ kind: 'intact' });
    }
    await archive.close();
    return true;
  }

  it('killed at every call, and again, holds each message once', async () => {
    let deaths = 0;
    while (await dieTwiceAndFinish(join(folder, String(deaths)), deaths + 1)) {
      deaths++;
    }
    expect(deaths).toBeGreaterThan(20);
  });
});
