import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MboxSink } from '../../src/sink/mbox/mbox-sink.ts';
import { decideTail } from '../../src/sink/mbox/tail.ts';
import type { Receipt, SinkArchive } from '../../src/sink/sink.ts';
import { ALICE, BOB, storable, storeAndRecord, TestJournal } from '../contract/sink-contract.ts';
import { mboxSeparators } from './harnesses.ts';

const NO_ABORT = new AbortController().signal;
const HEADER = 'Return-Path: <a@example.org>\r\nDate: Fri, 21 Nov 1997 15:55:06 +0000\r\n';
const FROM = 'From a@example.org Fri Nov 21 15:55:06 1997\n';
const FOREIGN = 'From bob@example.org Thu Jan  1 00:00:00 2015\nSubject: theirs\n\nfrom somebody else\n\n';

let folder: string;
let path: string;
let journal: TestJournal;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-mbox-'));
  path = join(folder, 'deep', 'alice.mbox');
  journal = new TestJournal();
  warnings = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function newSink(): MboxSink {
  return new MboxSink({
    name: 'mbox:test',
    pathFor: () => path,
    patienceMs: 0,
    warn: (account, text) => warnings.push(`${account}: ${text}`),
  });
}

const content = (): string => readFileSync(path, 'latin1');

/** One run: opens, stores a batch and records it, closes. */
async function run(...texts: string[]): Promise<Receipt[]> {
  const archive = await newSink().openArchive(ALICE, journal);
  try {
    return await storeAndRecord(
      archive,
      journal,
      texts.map((text) => storable(text, text.slice(0, 100))),
    );
  } finally {
    await archive.close();
  }
}

/** A run that dies after the octets are stored and before the receipts are recorded. */
async function runUnrecorded(...texts: string[]): Promise<void> {
  const archive = await newSink().openArchive(ALICE, journal);
  await archive.store(
    texts.map((text) => storable(text, text)),
    NO_ABORT,
  );
  await archive.close();
}

async function verifyAll(receipts: readonly Receipt[]): Promise<string[]> {
  const archive: SinkArchive = await newSink().openArchive(ALICE, journal);
  const kinds: string[] = [];
  for (const receipt of receipts) {
    kinds.push((await archive.verify(receipt)).kind);
  }
  await archive.close();
  return kinds;
}

describe('what is written', () => {
  it('RFC-77, RFC-78, RFC-79: is a From_ line, the message with LF and quoting, and an empty line', async () => {
    const [receipt] = await run(`${HEADER}\r\nFrom x\r\n>From y\r\n`);
    const body = `${HEADER.replaceAll('\r', '')}\n>From x\n>>From y\n`;
    expect(content()).toBe(`${FROM}${body}\n`);
    expect(receipt).toMatchObject({
      location: `${FROM.length}+${body.length}`,
      form: 'lf',
      storedOctets: body.length,
      proof: 'synced',
    });
  });

  it('is exact where a LF has no CR, and ends lines that do not end', async () => {
    const [receipt] = await run(`${HEADER}\r\na\nb`);
    expect(content()).toBe(`${FROM}${HEADER}\r\na\nb\n\n`);
    expect(receipt).toMatchObject({ form: 'exact', storedOctets: HEADER.length + 5 });
  });

  it('RFC-80: keeps 8-bit octets as they are, which the default format of RFC 4155 does not: nothing here gives it that name', async () => {
    const body = `${HEADER}\r\nä\0ß\r\n`;
    await run(body);
    expect(readFileSync(path, 'utf8')).toBe(`${FROM}${body.replaceAll('\r', '')}\n`);
    const sources = join(import.meta.dirname, '..', '..', 'src');
    const naming = readdirSync(sources, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => readFileSync(join(sources, name), 'utf8').includes('application/mbox'));
    expect(naming).toEqual([]);
  });

  it('is a private file in private folders', async () => {
    await run('x\r\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });
});

describe('another program', () => {
  it('that delivered between two runs keeps its mail, and ours goes behind it', async () => {
    const receipts = await run('one\r\n');
    appendFileSync(path, FOREIGN);
    receipts.push(...(await run('two\r\n')));
    expect(content()).toContain(FOREIGN);
    expect(mboxSeparators(path)).toHaveLength(3);
    expect(await verifyAll(receipts)).toEqual(['intact', 'intact']);
  });

  it('that delivered before the first run keeps its mail', async () => {
    await run();
    writeFileSync(path, FOREIGN);
    await run('one\r\n');
    expect(content().startsWith(FOREIGN)).toBe(true);
    expect(mboxSeparators(path)).toHaveLength(2);
  });

  it.each(['no end', 'one end\n', 'an empty line\n\n', 'CRLF\r\n\r\n'])(
    'whose mail ends with %j is separated from ours by an empty line',
    async (end) => {
      await run();
      writeFileSync(path, FOREIGN + FOREIGN.trimEnd() + end);
      const receipts = await run('one\r\n');
      expect(content()).toMatch(/\n\r?\nFrom MAILER-DAEMON [^\n]*\none\n\n$/);
      expect(await verifyAll(receipts)).toEqual(['intact']);
    },
  );

  it('that delivers while we have it open keeps its mail', async () => {
    const archive = await newSink().openArchive(ALICE, journal);
    const receipts = await storeAndRecord(archive, journal, [storable('one\r\n', '1')]);
    appendFileSync(path, FOREIGN);
    receipts.push(...(await storeAndRecord(archive, journal, [storable('two\r\n', '2')])));
    await archive.close();
    expect(content()).toContain(FOREIGN);
    expect(await verifyAll(receipts)).toEqual(['intact', 'intact']);
  });

  it('that removed messages is told of, and nothing is cut', async () => {
    const receipts = await run('one\r\n', 'two\r\n');
    const first = content().slice(0, content().lastIndexOf('From '));
    writeFileSync(path, first);
    receipts.push(...(await run('three\r\n')));
    expect(content().startsWith(first)).toBe(true);
    expect(warnings).toEqual([expect.stringContaining('another program rewrote it')]);
    expect(await verifyAll(receipts)).toEqual(['intact', 'changed', 'intact']);
  });

  it('that removed the file is told of, and a new one is made', async () => {
    const receipts = await run('one\r\n');
    rmSync(path);
    receipts.push(...(await run('two\r\n')));
    expect(mboxSeparators(path)).toHaveLength(1);
    expect(warnings).toHaveLength(1);
  });
});

describe('the tail of an interrupted run', () => {
  it('is cut where it is ours, whole or torn at any octet', async () => {
    await run('before\r\n');
    const before = content();
    await runUnrecorded('one\r\n', 'two\r\nFrom x\r\n');
    const whole = content();
    const pending = journal.read();
    for (let length = before.length; length <= whole.length; length++) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      await journal.write(pending ?? null);
      await run('three\r\n');
      expect(content()).toBe(`${before}From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nthree\n\n`);
    }
  });

  it('is cut when the archive is opened, though nothing is stored', async () => {
    await run('before\r\n');
    const before = content();
    await runUnrecorded('one\r\n');
    await (await newSink().openArchive(ALICE, journal)).close();
    expect(content()).toBe(before);
  });

  it('with mail of another program behind it is left alone, and so is the account', async () => {
    await run('before\r\n');
    await runUnrecorded('one\r\n');
    appendFileSync(path, FOREIGN);
    const there = content();
    await expect(run('two\r\n')).rejects.toMatchObject({
      code: 'mbox-foreign-tail',
      scope: 'account',
      retry: 'never',
      hint: expect.stringContaining('cut this one to'),
    });
    expect(content()).toBe(there);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('that was torn, with mail of another program in its place, is left alone', async () => {
    await run('before\r\n');
    const before = content();
    await runUnrecorded('one\r\n'.repeat(100));
    truncateSync(path, before.length + 60);
    appendFileSync(path, `\n${FOREIGN}`);
    const there = content();
    await expect(run('two\r\n')).rejects.toMatchObject({ code: 'mbox-foreign-tail' });
    expect(content()).toBe(there);
  });

  it('whose messages another program removed, and put its own in their place, is left alone', async () => {
    await run('before\r\n');
    const before = content();
    await runUnrecorded('one\r\n'.repeat(100));
    writeFileSync(path, before + FOREIGN);
    await expect(run('two\r\n')).rejects.toMatchObject({ code: 'mbox-foreign-tail' });
    expect(content()).toBe(before + FOREIGN);
  });

  it('in a file that another program rewrote shorter, and that grew again, is left alone', async () => {
    await run('before\r\n');
    const { length } = content();
    await runUnrecorded('one\r\n'.repeat(100));
    const theirs = FOREIGN.padEnd(length + 10, 'x');
    writeFileSync(path, theirs);
    await expect(run('two\r\n')).rejects.toMatchObject({ code: 'mbox-foreign-tail' });
    expect(content()).toBe(theirs);
  });

  it('that a power cut left unwritten, all of it or the end of a line, is cut', async () => {
    await run('before\r\n');
    const before = content();
    await runUnrecorded('one\r\n', 'two\r\n');
    const whole = content();
    const pending = journal.read();
    for (const written of [before.length, before.length + 3, before.length + 20, before.length + 50]) {
      writeFileSync(path, whole.slice(0, written).padEnd(whole.length, '\0'));
      await journal.write(pending ?? null);
      await run('three\r\n');
      expect(content()).toBe(`${before}From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nthree\n\n`);
    }
  });

  it('is not looked for where the journal says nothing', () => {
    expect(decideTail({ committed: 5, pending: undefined }, 5, fails)).toBe('clean');
    expect(decideTail({ committed: 5, pending: undefined }, 9, fails)).toBe('adopted');
    expect(decideTail({ committed: 5, pending: undefined }, 4, fails)).toBe('shrunk');
    expect(decideTail({ committed: 5, pending: { end: 8, fromLines: [] } }, 9, fails)).toBe('foreign');
  });
});

function fails(): never {
  throw new Error('the file was read');
}

describe('who may write', () => {
  it('is one at a time: another sink waits for the lock, and leaves the account to the next run', async () => {
    const archive = await newSink().openArchive(ALICE, journal);
    await expect(newSink().openArchive(ALICE, journal)).rejects.toMatchObject({ code: 'sink-locked' });
    await archive.close();
    await (await newSink().openArchive(ALICE, journal)).close();
  });

  it('is one account for each file', async () => {
    const sink = newSink();
    await (await sink.openArchive(ALICE, journal)).close();
    await expect(sink.openArchive(BOB, new TestJournal())).rejects.toMatchObject({
      code: 'mbox-shared',
      scope: 'account',
      retry: 'never',
    });
  });
});

it('a message of some MB from memory passes through the buffer in pieces', async () => {
  const text = `${HEADER}\r\n${'From here to there\r\n'.repeat(150_000)}`;
  const receipts = await run('a\r\n', text, 'b\r\n');
  expect(await verifyAll(receipts)).toEqual(['intact', 'intact', 'intact']);
});
