/**
 * One suite that every real server runs: the built program against Dovecot, Courier, Cyrus, GNU mailutils and popa3d, an
 * independent reader of the wire as yardstick. What is different about them stands in support/real-servers.ts; what passed becomes
 * the section "Real servers" of docs/servers.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { maildirFiles, mboxMessages, sha256 } from '../support/archives.ts';
import { corpusMessages, whySkipCorpus } from '../support/corpus.ts';
import { HoldingProxy } from '../support/holding-proxy.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';
import { gateOf } from '../support/programs.ts';
import { REAL_SERVERS, type RealServer, type ServerRow } from './support/real-servers.ts';
import { type Trial, TrialResults, withServersSection } from './support/servers-section.ts';
import { readWireOctets, type WireMessage } from './support/wire-octets.ts';

const MAILDROPS = [
  'corpus',
  'killed',
  'stopped',
  'twins',
  'large',
  'dated',
  'lines',
  'emptied',
  'later',
  'wrong',
];
const LARGE_OCTETS = 10 * 1024 * 1024;
/** Of 100 messages of 4 kB: some are archived by then, and some are not. */
const HOLD_AFTER_OCTETS = 100_000;
const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'servers.md');
const results = new TrialResults();

for (const row of REAL_SERVERS) {
  row.gate.describe(row.name, () => suite(row));
}

gateOf(REAL_SERVERS.map(({ gate }) => gate.reason).find((reason) => reason !== undefined)).it(
  'what passed stands in docs/servers.md',
  async () => {
    const written = withServersSection(readFileSync(DOCUMENT, 'utf8'), REAL_SERVERS, results);
    await expect(written, 'write it anew: the command in docs/servers.md').toMatchFileSnapshot(DOCUMENT);
  },
);

function suite(row: ServerRow): void {
  let server: RealServer;
  let folder: JobFolder;

  beforeAll(async () => {
    server = await row.start(MAILDROPS.map((name) => ({ name, password: PASSWORD })));
    results.version(row, server.version);
  });

  afterAll(() => server?.stop());

  beforeEach(() => {
    folder = new JobFolder();
  });

  afterEach(() => folder?.[Symbol.asyncDispose]());

  /** A test whose success is a cell of the table. */
  const trial = (what: Trial, title: string, body: () => Promise<void>): void => {
    it(title, () => results.part(row, what, body));
  };

  const readWire = (user: string): Promise<WireMessage[]> =>
    readWireOctets({
      ...{ host: server.host, port: server.port, user, password: PASSWORD },
      ...(row.ownFields && { without: row.ownFields }),
    });

  const run = (job: string, ...flags: string[]): Promise<Finished> => runJob(folder, job, flags);

  /** @param isKilled in mid-batch: a message that the server changed since may be in the Maildir in both its forms (docs/failure.md) */
  async function expectArchived(user: string, isKilled = false): Promise<void> {
    const stored = (await readWire(user)).map(({ storedSha256 }) => storedSha256).sort();
    const digests = archivedDigests(folder, user, row.ownFields ?? []);
    const { mbox } = digests;
    const maildir = isKilled && row.ownFields !== undefined ? [...new Set(digests.maildir)] : digests.maildir;
    if (isKilled) {
      // Two forms at most: the same octets are never there twice.
      const files = folder.archived(user).maildir;
      expect(files.length).toBe(new Set(files).size);
    }
    // Compared as a whole, so that a failure shows how many and not all of them.
    expect([maildir.length, mbox.length]).toEqual([stored.length, stored.length]);
    expect([isSame(maildir, stored), isSame(mbox, stored)]).toEqual([true, true]);
  }

  it('shows itself as the table says', async () => {
    const job = folder.writeJob(server.port, { accounts: ['lines'] });
    const { code, stdout } = await folder.run(['probe', '--json', '--account', 'lines', job]);
    const [report] = parseEvents(stdout);
    expect({ code, report }).toMatchObject({ code: 0, report: { inside: { messages: 0, hasUidl: true } } });
    const announced = (JSON.stringify(report).match(/"(?:PIPELINING|STLS)"/g) ?? []).length > 0;
    expect([(report?.['capabilities'] ?? null) !== null, announced]).toEqual([
      row.hasCapa,
      row.hasPipelining,
    ]);
  });

  describe.skipIf(whySkipCorpus())('the corpus', () => {
    trial('archive', 'is archived as it comes over the wire, and nothing is fetched twice', async () => {
      const messages = corpusMessages().filter((message) => row.takes?.(message.octets) ?? true);
      await server.deliver(
        'corpus',
        messages.map(({ octets }) => octets),
      );
      const job = folder.writeJob(server.port, { accounts: ['corpus'] });
      const first = await run(job);
      expect(first).toMatchObject({ code: 0, counts: { archivedNow: row.corpusCount, archivedBefore: 0 } });
      const second = await run(job);
      expect(second).toMatchObject({ code: 0, counts: { archivedNow: 0, archivedBefore: row.corpusCount } });
      expect(second.trace).not.toContain('RETR');
      await expectArchived('corpus');
      const uniqueIds = (await readWire('corpus')).map(({ uniqueId }) => uniqueId);
      expect(uniqueIds.filter((uniqueId) => !row.uidl.test(uniqueId))).toEqual([]);
      await results.part(row, 'pipelining', async () => {
        expect(hasPipelined(first.trace)).toBe(row.hasPipelining);
      });
    });
  });

  trial('killed', 'a run killed by SIGKILL within a message is gone on with', async () => {
    await server.deliver('killed', manyMessages('killed'));
    await using proxy = await HoldingProxy.start(server.port, HOLD_AFTER_OCTETS);
    const job = folder.writeJob(proxy.port, { accounts: ['killed'], limits: { pipeline: 4 } });
    const running = folder.start(['run', '--json', job]);
    await Promise.all([proxy.held, running.prints('stdout', '"message.archived"')]);
    running.kill('SIGKILL');
    expect((await running.ended).signal).toBe('SIGKILL');
    proxy.release();
    await expectResumed(job, 'killed', true);
  });

  trial('stopped', 'a run stopped by SIGTERM ends what is in flight, and is gone on with', async () => {
    await server.deliver('stopped', manyMessages('stopped'));
    await using proxy = await HoldingProxy.start(server.port, HOLD_AFTER_OCTETS);
    const job = folder.writeJob(proxy.port, { accounts: ['stopped'], limits: { pipeline: 4 } });
    const running = folder.start(['run', '--json', job]);
    await Promise.all([proxy.held, running.prints('stdout', '"message.archived"')]);
    running.kill('SIGTERM');
    await running.prints('stderr', 'finishing what is in flight');
    proxy.release();
    expect((await running.ended).code).toBe(130);
    await expectResumed(job, 'stopped');
  });

  async function expectResumed(job: string, user: string, isKilled = false): Promise<void> {
    const { code, counts } = await run(job);
    expect(code).toBe(0);
    expect(counts['listed']).toBe(MANY);
    expect(Number(counts['archivedBefore'])).toBeGreaterThan(0);
    expect(Number(counts['archivedNow'])).toBeGreaterThan(0);
    await expectArchived(user, isKilled);
  }

  trial('duplicates', 'Q3: equal messages, and others under one Message-ID, are archived each', async () => {
    const twin = mail('twin', 'the same');
    await server.deliver('twins', [twin, twin, mail('one', 'first'), mail('one', 'second')]);
    const job = folder.writeJob(server.port, { accounts: ['twins'] });
    expect(await run(job)).toMatchObject({ code: 0, counts: { archivedNow: 4 } });
    const again = await run(job);
    expect(again).toMatchObject({ code: 0, counts: { archivedNow: 0, archivedBefore: 4 } });
    await expectArchived('twins');
  });

  trial('large', 'a message of 10 MB arrives whole', async () => {
    const line = '.dots and some text, as long as lines of mail are allowed to be in good manners\n';
    await server.deliver('large', [
      mail('large', line.repeat(LARGE_OCTETS / line.length)),
      mail('small', 'x'),
    ]);
    const job = folder.writeJob(server.port, { accounts: ['large'] });
    const { code, counts } = await run(job);
    expect(code).toBe(0);
    expect(Number(counts['octets'])).toBeGreaterThan(LARGE_OCTETS);
    await expectArchived('large');
  });

  trial('top', 'TOP tells the date by which messages are chosen, and only those are fetched', async () => {
    const old = mail('old', 'x', 'Mon, 1 Jan 2001 00:00:00 +0000');
    const recent = mail('recent', 'x', new Date().toUTCString().replace('GMT', '+0000'));
    await server.deliver('dated', [recent, old, recent]);
    const job = folder.writeJob(server.port, { accounts: ['dated'], select: { olderThan: '30d' } });
    const { code, counts, trace } = await run(job);
    const chosen = row.isDatedOnArrival === true ? [] : ['C: RETR 2'];
    expect({ code, counts }).toMatchObject({
      code: 0,
      counts: { archivedNow: chosen.length, skipped: 3 - chosen.length },
    });
    expect(trace.match(/C: TOP \d+ 0/g)).toHaveLength(3);
    expect(trace.match(/C: RETR \d+/g) ?? []).toEqual(chosen);
  });

  for (const line of row.lines) {
    trial(
      line,
      `${line}: the octets are those of the clear line, and the certificate is checked`,
      async () => {
        if ((await server.countLeft('lines')) === 0) {
          await server.deliver('lines', [mail('first', '.\n..\nFrom x'), mail('second', 'x')]);
        }
        const port = line === 'tls' ? (server.tlsPort ?? 0) : server.port;
        const tls = { ca: server.caPath, serverName: 'localhost' };
        const account = { id: 'lines', user: 'lines', security: line };
        const trusting = folder.writeJob(port, { accounts: [{ ...account, tls }] });
        const { code, trace } = await run(trusting);
        expect(code).toBe(0);
        expect(trace).toMatch(/TLSv1\.[23]/);
        await expectArchived('lines');
        const doubting = folder.writeJob(port, { accounts: [account] }, 'doubting.yaml');
        expect(await run(doubting)).toMatchObject({ code: 3, told: expect.stringMatching(/certificate/) });
      },
    );
  }

  trial('delete', 'what was archived is deleted; the maildrop is empty by all accounts', async () => {
    const count = await server.deliver('emptied', manyMessages('emptied'));
    const job = folder.writeJob(server.port, {
      accounts: ['emptied'],
      delete: { after: 'verified', age: 0 },
    });
    expect(await run(job)).toMatchObject({ code: 0, counts: { archivedNow: count } });
    await expectEmptied(job, 'emptied', count);
  });

  trial('delete', 'what an earlier run archived is deleted without being fetched again', async () => {
    const count = await server.deliver('later', manyMessages('later'));
    const keeping = folder.writeJob(server.port, { accounts: ['later'] });
    expect(await run(keeping)).toMatchObject({ code: 0, counts: { archivedNow: count } });
    await expectArchived('later');
    const emptying = { accounts: ['later'], delete: { after: 'verified', age: 0 } };
    const { code, trace } = await run(folder.writeJob(server.port, emptying));
    expect(code).toBe(0);
    expect(trace).not.toContain('RETR');
    await expectEmptied(join(folder.path, 'job.yaml'), 'later', count);
  });

  async function expectEmptied(job: string, user: string, count: number): Promise<void> {
    expect([await server.countLeft(user), await readWire(user)]).toEqual([0, []]);
    const before = folder.archived(user);
    expect([before.maildir.length, before.mbox.length]).toEqual([count, count]);
    expect((await folder.run(['verify', job])).code).toBe(0);
    expect(await run(job)).toMatchObject({ code: 0, counts: { listed: 0, archivedNow: 0 } });
    expect(folder.archived(user)).toEqual(before);
    const status = await folder.run(['status', '--json', job]);
    expect(status.stdout).toContain(`"deleted":${count}`);
  }

  it('a wrong password is tried once, and the run says so', async () => {
    const job = folder.writeJob(server.port, { accounts: ['wrong'], defaults: { password: 'guessed' } });
    const { code, told, trace } = await run(job);
    expect(code).toBe(3);
    expect(told).toMatch(/password/);
    expect(trace.match(/C: (?:PASS|AUTH)/g)).toHaveLength(1);
  });
}

const MANY = 100;

/** Of 4 kB each. */
function manyMessages(label: string): Buffer[] {
  return Array.from({ length: MANY }, (_, index) =>
    mail(`${label}-${index}`, `${'x'.repeat(70)}\n`.repeat(56)),
  );
}

function mail(id: string, body: string, date = 'Sat, 21 Nov 2026 01:00:00 +0000'): Buffer {
  const header = [
    `From: a@example.test`,
    `Message-ID: <${id}@example.test>`,
    `Date: ${date}`,
    `Subject: ${id}`,
  ];
  return Buffer.from(`${header.join('\n')}\n\n${body}\n`, 'latin1');
}

interface Finished {
  readonly code: number | null;
  /** Of the whole run. */
  readonly counts: Readonly<Record<string, unknown>>;
  /** All that it said beside its results. */
  readonly told: string;
  readonly trace: string;
}

async function runJob(folder: JobFolder, job: string, flags: readonly string[]): Promise<Finished> {
  const trace = join(folder.path, `trace-${folder.files().length}`);
  const { code, stdout, stderr } = await folder.run(['run', '--json', '--trace', trace, ...flags, job]);
  const events = parseEvents(stdout);
  const counts = events.at(-1)?.['counts'];
  const failures = events.map(({ text, failure }) => JSON.stringify(text ?? failure ?? ''));
  return {
    code,
    counts: { ...(typeof counts === 'object' ? counts : {}) },
    told: stderr + failures.join('\n'),
    trace: readFileSync(trace, 'latin1'),
  };
}

/** SHA-256 of what lies in both archives, without the header fields that the server writes into its mail at any time. */
function archivedDigests(
  folder: JobFolder,
  user: string,
  fields: readonly string[],
): { maildir: string[]; mbox: string[] } {
  if (fields.length === 0) return folder.archived(user);
  const digest = (octets: Buffer): string => sha256(withoutFields(octets, fields));
  return {
    maildir: maildirFiles(folder.maildir(user))
      .map((path) => digest(readFileSync(path)))
      .sort(),
    mbox: mboxMessages(readFileSync(folder.mbox(user)))
      .map(digest)
      .sort(),
  };
}

function withoutFields(octets: Buffer, names: readonly string[]): Buffer {
  const text = octets.toString('latin1');
  const end = /(?<=^|\n)\r?\n/.exec(text)?.index ?? text.length;
  const field = new RegExp(`^(?:${names.join('|')}):[^\\n]*\\n(?:[ \\t][^\\n]*\\n)*`, 'gim');
  return Buffer.from(text.slice(0, end).replace(field, '') + text.slice(end), 'latin1');
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index]);
}

/** Whether a RETR was sent before the one before it was answered. */
function hasPipelined(trace: string): boolean {
  return /C: RETR \d+\n[^\n]*C: RETR /.test(trace);
}
