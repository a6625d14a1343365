/** `verify`: archives read back against the receipts, after all that may happen to files; and fetching again what is lost. */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';

let folder: JobFolder;
let server: DemoServer;
let job: string;

beforeEach(async () => {
  folder = new JobFolder();
  server = await DemoServer.start({
    users: [
      { name: 'alice', password: PASSWORD, messages: someMessages(12) },
      { name: 'bob', password: PASSWORD, messages: someMessages(3) },
    ],
  });
  job = folder.writeJob(server.port, { accounts: ['alice', 'bob'] });
  await folder.run(['run', '--quiet', job]);
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** The files of an account's Maildir, by the order of their names. */
function maildirFiles(account: string): string[] {
  const path = join(folder.maildir(account), 'new');
  return readdirSync(path)
    .sort()
    .map((name) => join(path, name));
}

function flipBit(path: string, offset: number): void {
  const octets = readFileSync(path);
  octets.writeUInt8(octets.readUInt8(offset) ^ 1, offset);
  writeFileSync(path, octets);
}

/** Every file with its digest, but for what SQLite makes for a reader. */
function contents(): Map<string, string> {
  const files = folder.files().filter((name) => !/^state\/ledger\.db-(shm|wal)$/.test(name));
  return new Map(
    files.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder.path, name)))
        .digest('hex'),
    ]),
  );
}

interface Differing {
  readonly account: unknown;
  readonly difference: unknown;
  readonly location: unknown;
  readonly uidl: unknown;
}

async function differences(...args: readonly string[]): Promise<{ code: number | null; found: Differing[] }> {
  const { code, stdout } = await folder.run(['verify', '--json', ...args, job]);
  const found = parseEvents(stdout)
    .filter(({ event }) => event === 'message.differs')
    .map(({ account, difference, location, uidl }) => ({ account, difference, location, uidl }));
  return { code, found };
}

const first = <T>(list: readonly T[]): T => {
  const [item] = list;
  if (item === undefined) throw new Error('the list is empty');
  return item;
};

describe('verify', () => {
  it('of an archive that is kept says so with 0, asks no server, needs no password and changes nothing', async () => {
    await server.close();
    const before = contents();
    const { code, stdout } = await folder.run(['verify', job], { env: { MAIL_PASSWORD: '' } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^test: all is kept: 30 receipts \(.*\) read from 2 accounts in /);
    expect(stdout).toMatch(/\nalice +24 +24 +24 +0 +0 +0 +0 /);
    expect(contents()).toEqual(before);
    expect(await folder.run(['verify', '--quiet', job])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('finds one flipped bit, one cut file and one removed file, with 4 and a list, and heals nothing', async () => {
    const [flipped, cut, removed] = maildirFiles('alice');
    if (flipped === undefined || cut === undefined || removed === undefined) throw new Error('too few files');
    flipBit(flipped, 20);
    truncateSync(cut, 10);
    rmSync(removed);
    const before = contents();
    const { code, found } = await differences();
    expect(code).toBe(4);
    expect(found.map(({ difference }) => difference).sort()).toEqual(['changed', 'changed', 'missing']);
    for (const { account, uidl } of found) {
      expect([account, uidl]).toEqual(['alice', expect.stringMatching(/^demo-/)]);
    }
    expect(contents()).toEqual(before);

    const text = await folder.run(['verify', '--quiet', job]);
    expect(text.code).toBe(4);
    expect(text.stdout).toMatch(/^test: something differs \(1 missing, 2 changed\): 30 receipts/);
    expect(text.stdout).toMatch(
      /\nalice +missing +.*maildir\/alice: new\/.* +demo-\d+ +.*neither in new nor in cur/,
    );
    expect(text.stdout).toMatch(/\nalice +changed +.* it takes 10 octets, expected \d+/);
  });

  it('finds a flipped bit in an mbox', async () => {
    const path = folder.mbox('bob');
    flipBit(path, readFileSync(path).lastIndexOf('body of'));
    const { code, found } = await differences('--account', 'b*');
    expect(code).toBe(4);
    expect(found).toMatchObject([{ account: 'bob', difference: 'changed', uidl: 'demo-00000003' }]);
    expect(await differences('--account', 'alice')).toEqual({ code: 0, found: [] });
  });

  it('takes a message that a mail reader has moved and marked for intact', async () => {
    const path = first(maildirFiles('alice'));
    renameSync(path, `${path.replace('/new/', '/cur/')}:2,RS`);
    expect(await differences()).toEqual({ code: 0, found: [] });
  });

  it('finds what is in a sink and not in the ledger', async () => {
    writeFileSync(join(folder.maildir('bob'), 'cur', '1700000000.M1P1.host:2,S'), 'Subject: foreign\n\n');
    const copied = first(maildirFiles('alice'));
    writeFileSync(
      copied.replace(/\.[0-9a-f]{32}\./, (key) => `${key.slice(0, -5)}0000.`),
      readFileSync(copied),
    );
    appendFileSync(folder.mbox('alice'), 'a line by another program\n');
    const { code, found } = await differences();
    expect(code).toBe(4);
    expect(found).toHaveLength(3);
    expect(found.map(({ account, difference, uidl }) => [account, difference, uidl])).toEqual(
      expect.arrayContaining([
        ['alice', 'extra', null],
        ['bob', 'extra', null],
      ]),
    );
  });

  it('reads each sink where its receipts were given, wherever the job would store today', async () => {
    const sinks = [{ maildir: './elsewhere/{account}' }, { mbox: './mbox/{account}.mbox' }];
    folder.writeJob(server.port, { accounts: ['alice', 'bob'], sinks });
    const { code, stderr } = await folder.run(['verify', job]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/does not have these sinks any more, they are not verified: maildir:/);
    expect(folder.has('elsewhere')).toBe(false);
  });

  it('reads a share, another one each time, and what is young enough', async () => {
    const { stdout } = await folder.run(['verify', '--sample', '25%', job]);
    // Every fourth of each place from a random start: 3 of 12, twice, and at most one of 3, twice.
    expect(stdout).toMatch(/^test: all that was read is kept: [678] of 30 receipts/);
    const young = await folder.run(['verify', '--since', '1h', job]);
    expect(young.stdout).toMatch(/: 30 receipts/);
    const none = await folder.run(['verify', '--since', '2199-01-01', job]);
    expect(none.stdout).toMatch(/: 0 of 30 receipts/);
  });

  it.each([
    ['--sample', '0%'],
    ['--sample', '120%'],
    ['--sample', 'some'],
    ['--since', 'yesterday'],
    ['--since', '2026-02-30'],
  ])('refuses %s %s with 2', async (...args) => {
    expect(await folder.run(['verify', ...args, job])).toMatchObject({ code: 2, stdout: '' });
  });

  it('without a ledger has nothing to compare with, and says so with 2', async () => {
    rmSync(join(folder.path, 'state'), { recursive: true });
    const { code, stderr } = await folder.run(['verify', job]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/has no ledger in .*state/);
  });
});

describe('run --refetch missing', () => {
  it('fetches again what is missing or changed, into that sink alone, and keeps the damaged copies', async () => {
    const [flipped, removed] = maildirFiles('alice');
    if (flipped === undefined || removed === undefined) throw new Error('too few files');
    const before = folder.archived('alice');
    flipBit(flipped, 20);
    const damaged = readFileSync(flipped);
    rmSync(removed);
    const mbox = readFileSync(folder.mbox('alice'));
    const fetched = server.record.count('RETR');

    const { code } = await folder.run(['run', '--quiet', '--refetch', 'missing', job]);
    expect(code).toBe(0);
    expect(server.record.count('RETR')).toBe(fetched + 2);
    expect(folder.archived('alice')).toEqual(before);
    expect(readFileSync(folder.mbox('alice')).equals(mbox)).toBe(true);
    const kept = readdirSync(join(folder.maildir('alice'), 'damaged'));
    expect(kept).toHaveLength(1);
    expect(readFileSync(join(folder.maildir('alice'), 'damaged', first(kept))).equals(damaged)).toBe(true);
    expect(await differences()).toEqual({ code: 0, found: [] });
    await folder.run(['run', '--quiet', '--refetch', 'missing', job]);
    expect(server.record.count('RETR')).toBe(fetched + 2);
  });

  it('appends to an mbox a new copy of what is damaged there', async () => {
    const path = folder.mbox('bob');
    const size = readFileSync(path).length;
    flipBit(path, readFileSync(path).indexOf('body of'));
    const damaged = readFileSync(path);
    expect(await folder.run(['run', '--quiet', '--refetch', 'missing', job])).toMatchObject({ code: 0 });
    const healed = readFileSync(path);
    expect(healed.length).toBeGreaterThan(size);
    expect(healed.subarray(0, size).equals(damaged)).toBe(true);
    expect(await differences()).toEqual({ code: 0, found: [] });
  });

  it('makes a lost archive anew', async () => {
    const before = folder.archived('alice');
    rmSync(folder.maildir('alice'), { recursive: true });
    rmSync(folder.mbox('alice'));
    expect(await folder.run(['run', '--quiet', '--refetch', 'missing', job])).toMatchObject({ code: 0 });
    expect(folder.archived('alice')).toEqual(before);
    expect(existsSync(join(folder.maildir('alice'), 'damaged'))).toBe(false);
    expect(await differences()).toEqual({ code: 0, found: [] });
  });

  it('tells what the server does not have any more, with 3, and goes on saying so', async () => {
    const bobs = server.mailbox('bob').entries.length;
    rmSync(folder.mbox('bob'));
    server.mailbox('bob').replaceEntries((entries) => entries.slice(2));
    const { code, stderr } = await folder.run(['run', '--refetch', 'missing', job]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/bob: .*2 messages .*not on the server any more/);
    expect(folder.archived('bob').mbox).toHaveLength(bobs - 2);
    // The new mbox holds something else where these two were.
    const { code: verdict, found } = await differences();
    expect([verdict, found.map(({ uidl }) => uidl)]).toEqual([4, ['demo-00000001', 'demo-00000002']]);
  });
});
