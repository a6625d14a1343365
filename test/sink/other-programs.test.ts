/**
 * Programs that others wrote read what the sinks wrote: as many messages, and the octets that they can show.
 */
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MaildirSink } from '../../src/sink/maildir/maildir-sink.ts';
import { MboxSink } from '../../src/sink/mbox/mbox-sink.ts';
import type { Sink } from '../../src/sink/sink.ts';
import { ALICE, storable, storeAndRecord, TestJournal } from '../contract/sink-contract.ts';
import { nastyMessages, wireForm } from '../message/nasty-messages.ts';
import { corpusMessages, whySkipCorpus } from '../support/corpus.ts';
import { requireProgram } from '../support/programs.ts';

let folder: string;
let archive: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-programs-'));
  archive = join(folder, 'archive');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The corpus, where it is, and messages that are nastier than it. All end their lines with CRLF alone. */
function messages(): Buffer[] {
  const corpus = whySkipCorpus() === false ? corpusMessages().map(({ octets }) => wireForm(octets)) : [];
  const nasty = nastyMessages().map(({ octets }) => octets);
  return [...nasty, ...corpus].map((octets) =>
    Buffer.from(
      octets
        .toString('latin1')
        .replaceAll(/\r*\n/g, '\r\n')
        .replaceAll(/\r(?!\n)/g, ''),
      'latin1',
    ),
  );
}

async function store(sink: Sink, octets: readonly Buffer[]): Promise<void> {
  const journal = new TestJournal();
  const open = await sink.openArchive(ALICE, journal);
  await storeAndRecord(
    open,
    journal,
    octets.map((each, n) => storable(each, String(n))),
  );
  await open.close();
}

const mbox = (): Sink => new MboxSink({ name: 'mbox', pathFor: () => archive, patienceMs: 0 });
const maildir = (): Sink => new MaildirSink({ name: 'maildir', pathFor: () => archive });
const withLf = (octets: Buffer): string => octets.toString('latin1').replaceAll('\r\n', '\n');
const unquoted = (text: string): string => text.replaceAll(/(?<=^|\n)>(>*From )/g, '$1');

const python = requireProgram('python3');

python.describe("Python's mailbox module", () => {
  const run = (script: string): string =>
    execFileSync(python.path, ['-c', script, archive, folder], { encoding: 'latin1', maxBuffer: 1 << 28 });

  it('reads every message of an mbox', async () => {
    const octets = messages();
    await store(mbox(), octets);
    run(`
import mailbox, sys
box = mailbox.mbox(sys.argv[1], create=False)
for n, key in enumerate(box.keys()):
    open(f'{sys.argv[2]}/{n}.out', 'wb').write(box.get_bytes(key))
`);
    const read = readdirSync(folder).filter((name) => name.endsWith('.out'));
    expect(read).toHaveLength(octets.length);
    for (const [n, each] of octets.entries()) {
      const text = unquoted(readFileSync(join(folder, `${n}.out`), 'latin1'));
      // An end for a last line that has none is all that may be added.
      expect([withLf(each), `${withLf(each)}\n`]).toContain(text);
    }
  });

  it('reads every message of a Maildir', async () => {
    const octets = messages();
    await store(maildir(), octets);
    const digests = run(`
import mailbox, sys, hashlib
box = mailbox.Maildir(sys.argv[1], create=False)
for key in box.keys():
    print(hashlib.sha256(box.get_bytes(key)).hexdigest())
`);
    const expected = octets.map((each) => hash('sha256', Buffer.from(withLf(each), 'latin1'), 'hex'));
    expect(digests.trim().split('\n').sort()).toEqual(expected.sort());
  });
});

const git = requireProgram('git');

git.describe('git mailsplit', () => {
  it('RFC-77, RFC-78, RFC-79: splits an mbox into its messages', async () => {
    // It skips an empty message, having no header to begin with.
    const octets = messages().filter((each) => each.length > 0);
    await store(mbox(), octets);
    const target = join(folder, 'split');
    mkdirSync(target);
    const options = ['mailsplit', '--mboxrd', '--keep-cr', '-d6', `-o${target}`, archive];
    const count = execFileSync(git.path, options, { encoding: 'utf8' });
    expect(Number(count)).toBe(octets.length);
    for (const [n, each] of octets.entries()) {
      const text = readFileSync(join(target, String(n + 1).padStart(6, '0')), 'latin1');
      expect(text.slice(text.indexOf('\n') + 1).trimEnd()).toBe(withLf(each).trimEnd());
    }
  });
});

describe('what they count', () => {
  it('is not empty', () => {
    expect(messages().length).toBeGreaterThan(30);
  });
});
