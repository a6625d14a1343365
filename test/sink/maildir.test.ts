import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NODE_DISK } from '../../src/sink/disk.ts';
import { prepareMaildir } from '../../src/sink/maildir/folder.ts';
import { MaildirSink } from '../../src/sink/maildir/maildir-sink.ts';
import { formatIdentity, thisProcess } from '../../src/sink/process-identity.ts';
import type { SinkAccount } from '../../src/sink/sink.ts';
import { ALICE, BOB, receiptsOf, storable, storeAndRecord, TestJournal } from '../contract/sink-contract.ts';

const NO_ABORT = new AbortController().signal;
const HEADER = 'From: a@example.org\r\nDate: Fri, 21 Nov 1997 15:55:06 +0000\r\n';
const SECONDS = Date.UTC(1997, 10, 21, 15, 55, 6) / 1000;

let folder: string;
let root: string;
let journal: TestJournal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-maildir-'));
  root = join(folder, 'mail', 'alice');
  journal = new TestJournal();
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const newSink = (): MaildirSink => new MaildirSink({ name: 'maildir:test', pathFor: () => root });
const openAlice = (account: SinkAccount = ALICE) => newSink().openArchive(account, journal);
const names = (name: 'cur' | 'new' | 'tmp'): string[] => readdirSync(join(root, name));

/** Stores without recording, as a run does that dies in between; then a reader moves the mail. */
async function storeUnrecorded(text: string, flags: string): Promise<void> {
  const archive = await openAlice();
  await archive.store([storable(text)], NO_ABORT);
  await archive.close();
  const [name = ''] = names('new');
  renameSync(join(root, 'new', name), join(root, 'cur', `${name}:2,${flags}`));
}

describe('what is written', () => {
  it('is a private file in private folders, named by date, key and sizes', async () => {
    const archive = await openAlice();
    const [receipt] = await storeAndRecord(archive, journal, [storable(`${HEADER}\r\nbody\r\n`)]);
    const wire = HEADER.length + 8;
    const [name = ''] = names('new');
    expect(name).toMatch(new RegExp(`^${SECONDS}\\.[0-9a-f]{32}\\.mailferry,S=${wire - 4},W=${wire}$`));
    expect(receipt).toMatchObject({
      location: `new/${name}`,
      form: 'lf',
      storedOctets: wire - 4,
      proof: 'synced',
    });
    expect(statSync(join(root, 'new', name)).mode & 0o777).toBe(0o600);
    for (const path of [
      join(folder, 'mail'),
      root,
      join(root, 'cur'),
      join(root, 'new'),
      join(root, 'tmp'),
    ]) {
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
    expect(names('tmp')).toEqual([]);
    await archive.close();
  });

  it('is exact where a LF has no CR, and W= counts each as CRLF', async () => {
    const archive = await openAlice();
    const [receipt] = await storeAndRecord(archive, journal, [storable('a\nb\r\n')]);
    expect(readFileSync(join(root, receipt?.location ?? ''), 'latin1')).toBe('a\nb\r\n');
    expect(receipt).toMatchObject({ form: 'exact', storedOctets: 5 });
    expect(receipt?.location).toMatch(/S=5,W=6$/);
    await archive.close();
  });

  it('counts a CR before CRLF in W= as Dovecot finds it in the file', async () => {
    const archive = await openAlice();
    const [receipt] = await storeAndRecord(archive, journal, [storable('a\r\r\nb\r\n')]);
    expect(readFileSync(join(root, receipt?.location ?? ''), 'latin1')).toBe('a\r\nb\n');
    expect(receipt?.location).toMatch(/S=5,W=6$/);
    await archive.close();
  });

  it.each([
    ['no date', 'Subject: x\r\n\r\n', '0.'],
    ['a date before 1970', 'Date: 1 Jan 1960 00:00:00 +0000\r\n\r\n', '0.'],
    ['a date beyond 9999', 'Date: 31 Dec 9999 23:59:59 -2359\r\n\r\n', '253402300799.'],
  ])('has a name even with %s', async (_, text, start) => {
    const archive = await openAlice();
    await storeAndRecord(archive, journal, [storable(text)]);
    expect(names('new')[0]?.startsWith(start)).toBe(true);
    await archive.close();
  });
});

describe('opening', () => {
  it('completes a Maildir that lacks folders, and touches nothing in it', async () => {
    mkdirSync(join(root, 'cur'), { recursive: true });
    writeFileSync(join(root, 'cur', '1.theirs:2,S'), 'theirs');
    await (await openAlice()).close();
    expect(names('cur')).toEqual(['1.theirs:2,S']);
    expect([...names('new'), ...names('tmp')]).toEqual([]);
  });

  it('removes temporary files of ours that a crash left, and no others', async () => {
    mkdirSync(join(root, 'tmp'), { recursive: true });
    const gone = { ...thisProcess(), pid: spawnSync(process.execPath, ['-e', '']).pid };
    const elsewhere = { ...gone, host: 'elsewhere' };
    const ours = [gone, thisProcess(), elsewhere].map(
      (maker, n) => `mailferry:${formatIdentity(maker)}+ab.${n}`,
    );
    const old = `mailferry:${formatIdentity(elsewhere)}+ab.9`;
    for (const name of [...ours, old, '123.theirs', 'mailferry:x']) {
      writeFileSync(join(root, 'tmp', name), '');
    }
    utimesSync(join(root, 'tmp', old), 0, 0);
    await (await openAlice()).close();
    expect(names('tmp').sort()).toEqual([...ours.slice(1), '123.theirs', 'mailferry:x'].sort());
  });

  it('is refused while the account is open, and allowed once it is closed', async () => {
    const sink = newSink();
    const archive = await sink.openArchive(ALICE, journal);
    await expect(sink.openArchive(ALICE, journal)).rejects.toMatchObject({ code: 'sink-locked' });
    await (await sink.openArchive(BOB, new TestJournal())).close();
    await archive.close();
    await (await sink.openArchive(ALICE, journal)).close();
  });

  it('fails as the sink where a file is in the way', async () => {
    writeFileSync(join(folder, 'mail'), '');
    await expect(openAlice()).rejects.toMatchObject({
      code: 'sink-no-folder',
      scope: 'sink',
      retry: 'never',
    });
  });

  it.skipIf(process.getuid?.() === 0)('fails as the sink where the folder is not ours to write', async () => {
    chmodSync(folder, 0o500);
    await expect(openAlice()).rejects.toMatchObject({ code: 'sink-denied', scope: 'sink' });
    chmodSync(folder, 0o700);
  });
});

describe.each([
  ['behind others, which the journal knows', { unclaimed: [] }],
  ['as the first', undefined],
])('a message that stands there without a receipt, %s,', (_where, noted) => {
  const text = `${HEADER}\r\nbody\r\n`;

  beforeEach(async () => {
    if (noted !== undefined) {
      await journal.write(noted);
    }
  });

  it.each(['', 'S', 'FRS', 'abS'])(
    'is recognised after a reader moved it to cur with the flags %j',
    async (flags) => {
      await storeUnrecorded(text, flags);
      const archive = await openAlice();
      const [receipt] = await storeAndRecord(archive, journal, [storable(text)]);
      expect(receipt).toMatchObject({ proof: 'readback' });
      expect(names('new')).toEqual([]);
      expect(names('cur')).toHaveLength(1);
      expect(receipt && (await archive.verify(receipt))).toEqual({ kind: 'intact' });
      await archive.close();
    },
  );

  it('whose octets were changed gets no receipt, and stays as it is', async () => {
    await storeUnrecorded(text, 'S');
    const path = join(root, 'cur', names('cur')[0] ?? '');
    writeFileSync(path, 'edited');
    const archive = await openAlice();
    const { outcomes, journal: noted } = await archive.store([storable(text)], NO_ABORT);
    expect(outcomes).toMatchObject([
      { kind: 'failed', error: { code: 'maildir-altered-copy', scope: 'message' } },
    ]);
    expect(readFileSync(path, 'latin1')).toBe('edited');
    await journal.write(noted ?? null);
    rmSync(path);
    await archive.close();
    const next = await openAlice();
    expect(await storeAndRecord(next, journal, [storable(text)])).toMatchObject([{ proof: 'synced' }]);
    await next.close();
  });

  it('is recognised in the same session too', async () => {
    const archive = await openAlice();
    await archive.store([storable(text)], NO_ABORT);
    const [name = ''] = names('new');
    renameSync(join(root, 'new', name), join(root, 'cur', `${name}:2,S`));
    expect(await storeAndRecord(archive, journal, [storable(text)])).toMatchObject([{ proof: 'readback' }]);
    expect([...names('new'), ...names('cur')]).toHaveLength(1);
    await archive.close();
  });

  it('that a reader has deleted is stored again', async () => {
    await storeUnrecorded(text, 'ST');
    rmSync(join(root, 'cur', names('cur')[0] ?? ''));
    const archive = await openAlice();
    expect(await storeAndRecord(archive, journal, [storable(text)])).toMatchObject([{ proof: 'synced' }]);
    await archive.close();
  });

  it('is recognised though the journal is lost altogether', async () => {
    await storeUnrecorded(text, 'S');
    journal = new TestJournal();
    const archive = await openAlice();
    expect(await storeAndRecord(archive, journal, [storable('new\r\n', 'u2')])).toMatchObject([
      { proof: 'synced' },
    ]);
    await archive.close();
    const next = await openAlice();
    expect(await storeAndRecord(next, journal, [storable(text)])).toMatchObject([{ proof: 'readback' }]);
    expect([...names('new'), ...names('cur')]).toHaveLength(2);
    await next.close();
  });
});

describe('a Maildir without a message', () => {
  const intents = (): unknown[] => {
    const written: unknown[] = [];
    const write = journal.write.bind(journal);
    journal.write = (value) => {
      written.push(value);
      return write(value);
    };
    return written;
  };

  it('needs no note of its first batch: without one, all that is there is looked at', async () => {
    const written = intents();
    const archive = await openAlice();
    const first = await archive.store([storable('first\r\n')], NO_ABORT);
    expect(written).toEqual([]);
    await journal.write(first.journal ?? null);
    written.length = 0;
    await archive.store([storable('second\r\n', 'u2')], NO_ABORT);
    expect(written).toMatchObject([{ unclaimed: [expect.any(String)] }]);
    await archive.close();
  });

  it('needs none in a Maildir that was there before either, whose new messages are found without one', async () => {
    for (const folder of ['tmp', 'new', 'cur']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    writeFileSync(join(root, 'new', 'of-another-program'), 'old\n');
    const written = intents();
    const archive = await openAlice();
    await archive.store([storable('first\r\n')], NO_ABORT);
    await archive.close();
    const next = await openAlice();
    expect(await storeAndRecord(next, journal, [storable('first\r\n')])).toMatchObject([
      { proof: 'readback' },
    ]);
    expect([written.length, names('new').length]).toEqual([1, 2]);
    await next.close();
  });

  it('has its first batch noted where something is noted of an earlier one', async () => {
    await journal.write({ unclaimed: [] });
    const written = intents();
    const archive = await openAlice();
    await archive.store([storable('first\r\n')], NO_ABORT);
    expect(written).toMatchObject([{ unclaimed: [expect.any(String)] }]);
    await archive.close();
  });

  it('is one that is there and empty; one whose messages a reader has moved is none', async () => {
    for (const folder of ['tmp', 'new', 'cur']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    expect(await prepareMaildir(NODE_DISK, root)).toBe(true);
    writeFileSync(join(root, 'cur', 'read:2,S'), 'old\n');
    expect(await prepareMaildir(NODE_DISK, root)).toBe(false);
    renameSync(join(root, 'cur', 'read:2,S'), join(root, 'new', 'unread'));
    expect(await prepareMaildir(NODE_DISK, root)).toBe(false);
  });

  it('is none where only `new` was missing: what `cur` holds is looked at', async () => {
    await storeUnrecorded('old\r\n', 'S');
    rmSync(join(root, 'new'), { recursive: true });
    const archive = await openAlice();
    expect(await storeAndRecord(archive, journal, [storable('old\r\n')])).toMatchObject([
      { proof: 'readback' },
    ]);
    await archive.close();
  });
});

describe('a Maildir that accounts share', () => {
  it('holds the same message of both', async () => {
    const sink = newSink();
    const batch = [storable('same\r\n')];
    for (const account of [ALICE, BOB]) {
      const own = new TestJournal();
      const archive = await sink.openArchive(account, own);
      const [receipt] = await storeAndRecord(archive, own, batch);
      expect(receipt).toMatchObject({ proof: 'synced' });
      // Another account's mail is nothing to look for again.
      expect(own.read()).toEqual({ unclaimed: [] });
      await archive.close();
    }
    expect(names('new')).toHaveLength(2);
  });
});

it('a batch of more files than may wait for the disk at once is stored whole', async () => {
  const archive = await openAlice();
  const batch = Array.from({ length: 500 }, (_, n) => storable(`message ${n}\r\n`, String(n)));
  const { outcomes } = await archive.store(batch, NO_ABORT);
  for (const receipt of receiptsOf(outcomes)) {
    expect(existsSync(join(root, receipt.location))).toBe(true);
  }
  expect(names('new')).toHaveLength(500);
  await archive.close();
});
