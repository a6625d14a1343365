/** Sinks that are only read, under their contract; and what is peculiar to each. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MaildirSink } from '../../src/sink/maildir/maildir-sink.ts';
import { MboxSink } from '../../src/sink/mbox/mbox-sink.ts';
import type { ExtraMessage, Receipt, Sink } from '../../src/sink/sink.ts';
import { TextSet } from '../../src/sink/text-set.ts';
import { describeReaderContract } from '../contract/reader-contract.ts';
import { ALICE, BOB, storable, storeAndRecord, TestJournal } from '../contract/sink-contract.ts';
import { maildirHarness, mboxHarness, memoryHarness } from './harnesses.ts';

describeReaderContract('the Maildir sink', maildirHarness);
describeReaderContract('the mbox sink', mboxHarness);
describeReaderContract('the memory sink', memoryHarness);

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailferry-readers-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An archive with three messages, stored and recorded. */
async function archiveOf(sink: Sink, account = ALICE) {
  const journal = new TestJournal();
  const archive = await sink.openArchive(account, journal);
  const batch = [1, 2, 3].map((n) =>
    storable(`Subject: ${n} of ${account.id}\r\n\r\nbody ${n}\r\n`, `u${n}`),
  );
  const receipts = await storeAndRecord(archive, journal, batch);
  await archive.close();
  const { root } = archive;
  return {
    root,
    receipts,
    async extras(known: readonly Receipt[] = receipts): Promise<ExtraMessage[]> {
      const reader = await sink.openReader({ accountId: account.id, root, journal });
      const places = known.map(({ location }) => ({ location, isDiffering: false }));
      const found: ExtraMessage[] = [];
      for await (const extra of reader.findExtras?.(places) ?? []) found.push(extra);
      return found;
    },
    async kinds(): Promise<string[]> {
      const reader = await sink.openReader({ accountId: account.id, root, journal });
      return Promise.all(receipts.map(async (receipt) => (await reader.verify(receipt)).kind));
    },
  };
}

describe('a Maildir, open for reading', () => {
  const makeSink = () => {
    const folder = temporaryFolder();
    return new MaildirSink({ name: 'maildir', pathFor: () => join(folder, 'shared') });
  };

  it('finds messages that a mail reader has moved and marked, with flags and keywords of any kind', async () => {
    const alice = await archiveOf(makeSink());
    for (const [index, name] of readdirSync(join(alice.root, 'new')).sort().entries()) {
      const flags = [':2,S', ':2,FRSab', ''][index];
      renameSync(join(alice.root, 'new', name), join(alice.root, 'cur', `${name}${flags}`));
    }
    expect(await alice.kinds()).toEqual(['intact', 'intact', 'intact']);
    expect(await alice.extras()).toEqual([]);
  });

  it('tells mail of other programs as foreign, and that of another account not at all', async () => {
    const sink = makeSink();
    const alice = await archiveOf(sink, ALICE);
    const bob = await archiveOf(sink, BOB);
    expect([await alice.extras(), await bob.extras()]).toEqual([[], []]);
    writeFileSync(join(alice.root, 'cur', '1700000000.M1P2.host:2,S'), 'Subject: foreign\n\n');
    writeFileSync(join(alice.root, 'new', '.hidden'), '');
    mkdirSync(join(alice.root, 'cur', 'folder'));
    expect(await alice.extras()).toMatchObject([
      { location: 'cur/1700000000.M1P2.host:2,S', origin: 'foreign' },
    ]);
  });

  it('sees a message that is put back while it is open', async () => {
    const sink = makeSink();
    const { root, receipts } = await archiveOf(sink);
    const [receipt] = receipts;
    if (receipt === undefined) throw new Error('no receipt');
    const reader = await sink.openReader({ accountId: 'alice', root, journal: new TestJournal() });
    const name = receipt.location.slice('new/'.length);
    renameSync(join(root, 'new', name), join(root, 'tmp', name));
    expect((await reader.verify(receipt)).kind).toBe('missing');
    renameSync(join(root, 'tmp', name), join(root, 'cur', `${name}:2,Sx`));
    expect((await reader.verify(receipt)).kind).toBe('intact');
  });

  it('keeps every damaged copy in a folder that mail readers do not look at', async () => {
    const sink = makeSink();
    const { root, receipts } = await archiveOf(sink);
    const [receipt] = receipts;
    if (receipt === undefined) throw new Error('no receipt');
    const name = receipt.location.slice('new/'.length);
    const archive = await sink.openArchive(ALICE, new TestJournal());
    for (const octets of ['first', 'second']) {
      writeFileSync(join(root, 'new', name), octets);
      await archive.setAside?.([receipt, receipt]);
    }
    await archive.close();
    const damaged = readdirSync(join(root, 'damaged')).sort();
    expect(damaged).toEqual([name, `${name}.2`]);
    expect(damaged.map((each) => readFileSync(join(root, 'damaged', each), 'latin1'))).toEqual([
      'first',
      'second',
    ]);
  });
});

describe('an mbox, open for reading', () => {
  const makeSink = () => {
    const folder = temporaryFolder();
    return new MboxSink({ name: 'mbox', pathFor: ({ id }) => join(folder, `${id}.mbox`), patienceMs: 0 });
  };

  it('tells a message that another program has delivered, and where', async () => {
    const alice = await archiveOf(makeSink());
    const before = readFileSync(alice.root).length;
    appendFileSync(alice.root, 'From x@y Thu Jan  1 00:00:00 1970\nSubject: foreign\n\nbody\n\n');
    expect(await alice.kinds()).toEqual(['intact', 'intact', 'intact']);
    expect(await alice.extras()).toMatchObject([
      { location: `${before + 34}+24`, detail: 'a message that has no receipt' },
    ]);
  });

  it('tells a line that another program has added behind a message', async () => {
    const alice = await archiveOf(makeSink());
    appendFileSync(alice.root, 'a line\n');
    expect(await alice.extras()).toMatchObject([{ detail: 'something was written behind a message' }]);
  });

  it('tells what lies between messages of ours, before them too', async () => {
    const alice = await archiveOf(makeSink());
    const [first, second, third] = alice.receipts;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no receipts');
    expect(await alice.extras([third])).toMatchObject([
      { location: `${first.location.split('+')[0]}+29` },
      { location: `${second.location.split('+')[0]}+29` },
    ]);
    expect(await alice.extras([first, third])).toHaveLength(1);
    expect(await alice.extras([])).toHaveLength(3);
  });

  it('takes receipts in any order', async () => {
    const alice = await archiveOf(makeSink());
    expect(await alice.extras(alice.receipts.toReversed())).toEqual([]);
  });

  it('that was rewritten by another program tells each message as differing, and what it finds as extra', async () => {
    const alice = await archiveOf(makeSink());
    const octets = readFileSync(alice.root, 'latin1');
    const second = octets.indexOf('From ', 5);
    writeFileSync(alice.root, octets.slice(second), 'latin1');
    expect(await alice.kinds()).not.toContain('intact');
  });
});

describe('a set of texts', () => {
  it('holds what was added, and nothing else, however much it is', () => {
    const set = new TextSet();
    for (let index = 0; index < 20_000; index++) set.add(`text ${index}`);
    const found = Array.from({ length: 40_000 }, (_, index) => set.has(`text ${index}`));
    expect(found.indexOf(false)).toBe(20_000);
    expect(found.lastIndexOf(true)).toBe(19_999);
  });
});
