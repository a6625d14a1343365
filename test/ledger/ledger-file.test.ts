/** The file itself: its modes, its migrations, what is refused, and that the sqlite3 program reads it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { checkSchema, MIGRATIONS, migrate, requireCurrent } from '../../src/ledger/migrate.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { Database } from '../../src/ledger/sqlite.ts';
import { ALICE, stored } from '../contract/ledger-contract.ts';
import { requireProgram } from '../support/programs.ts';
import { temporaryStatePath } from './sqlite-fixture.ts';

async function open(statePath: string): Promise<Ledger> {
  const ledger = await openLedger({ statePath, job: 'nightly', sinks: ['a'], now: () => 1_800_000_000_123 });
  onTestFinished(() => ledger.close());
  return ledger;
}

/** Any database in the place of the ledger, made by `sql`. */
function placeDatabase(sql: string): { readonly statePath: string; readonly path: string } {
  const statePath = temporaryStatePath();
  mkdirSync(statePath, { recursive: true });
  const path = join(statePath, 'ledger.db');
  const database = openDatabase(path);
  database.exec(sql);
  database.close();
  return { statePath, path };
}

function openDatabase(path: string): Database {
  const database = new Database(path, { readOnly: false, busyTimeoutMs: 0 });
  onTestFinished(() => database.close());
  return database;
}

describe('the files of a ledger', () => {
  test('are for their owner alone', async () => {
    const statePath = temporaryStatePath();
    const ledger = await open(statePath);
    await ledger.openAccount(ALICE).record({ stored: [stored(1, ['a'])] });
    expect(statSync(statePath).mode & 0o777).toBe(0o700);
    const files = readdirSync(statePath).toSorted();
    expect(files).toEqual(['job.holder', 'job.lock', 'ledger.db', 'ledger.db-shm', 'ledger.db-wal']);
    expect(files.map((file) => statSync(join(statePath, file)).mode & 0o777)).toEqual(files.map(() => 0o600));
  });

  test('hold everything in the one ledger.db once it is closed', async () => {
    const statePath = temporaryStatePath();
    const ledger = await open(statePath);
    await ledger.openAccount(ALICE).record({ stored: [stored(1, ['a'])] });
    ledger.close();
    const copied = temporaryStatePath();
    mkdirSync(copied, { recursive: true });
    writeFileSync(join(copied, 'ledger.db'), readFileSync(join(statePath, 'ledger.db')));
    const reader = openLedgerReader({ statePath: copied });
    onTestFinished(() => reader?.close());
    expect([...(reader?.account('alice')?.known() ?? [])]).toHaveLength(1);
  });

  test('are not made by a reader', () => {
    const statePath = temporaryStatePath();
    expect(openLedgerReader({ statePath })).toBeUndefined();
    expect(existsSync(statePath)).toBe(false);
  });

  test('in a place where none can be made are refused with what to check', async () => {
    const statePath = temporaryStatePath();
    mkdirSync(join(statePath, '..'), { recursive: true });
    writeFileSync(statePath, 'a file where the folder should be');
    await expect(open(statePath)).rejects.toMatchObject({ code: 'ledger-io', scope: 'run', retry: 'never' });
  });
});

describe('the schema of a ledger', () => {
  const next = { number: MIGRATIONS.length + 1, sql: 'ALTER TABLE account ADD COLUMN note TEXT' };

  test('is never edited: what was released stays as it was', () => {
    const digests = MIGRATIONS.map(({ sql }) => createHash('sha256').update(sql).digest('hex').slice(0, 16));
    expect(digests).toEqual(['cd294cd9ef246434']);
    expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  test('of an older ledger is brought up to date and keeps its rows', async () => {
    const statePath = temporaryStatePath();
    const ledger = await open(statePath);
    await ledger.openAccount(ALICE).record({ stored: [stored(1, ['a'])] });
    ledger.close();
    const database = openDatabase(join(statePath, 'ledger.db'));
    migrate(database, [...MIGRATIONS, next]);
    expect(checkSchema(database, [...MIGRATIONS, next])).toBe(next.number);
    expect(database.prepare('SELECT name, note FROM account').all()).toEqual([{ name: 'alice', note: null }]);
    expect(database.prepare('SELECT uidl FROM message').all()).toEqual([{ uidl: 'uid-1' }]);
  });

  test('that is older is not read, and the reader says how to mend that', async () => {
    const statePath = temporaryStatePath();
    (await open(statePath)).close();
    const database = openDatabase(join(statePath, 'ledger.db'));
    expect(() => requireCurrent(database, [...MIGRATIONS, next])).toThrow(
      expect.objectContaining({ code: 'ledger-older', retry: 'never' }),
    );
  });

  test('stays as it was where a migration fails in its middle', async () => {
    const statePath = temporaryStatePath();
    (await open(statePath)).close();
    const database = openDatabase(join(statePath, 'ledger.db'));
    const broken = {
      number: next.number,
      sql: `${next.sql}; CREATE TABLE broken (a); INSERT INTO nowhere VALUES (1)`,
    };
    expect(() => migrate(database, [...MIGRATIONS, broken])).toThrow(/nowhere/);
    expect(checkSchema(database)).toBe(MIGRATIONS.length);
    expect(database.prepare("SELECT name FROM sqlite_schema WHERE name = 'broken'").all()).toEqual([]);
    migrate(database, [...MIGRATIONS, next]);
  });

  test('of a later version is refused by number, and the file is left alone', async () => {
    const statePath = temporaryStatePath();
    (await open(statePath)).close();
    openDatabase(join(statePath, 'ledger.db')).exec('PRAGMA user_version = 99');
    const refusal = {
      code: 'ledger-newer',
      scope: 'run',
      retry: 'never',
      message: expect.stringContaining('schema 99'),
      hint: expect.stringContaining('Upgrade'),
    };
    await expect(open(statePath)).rejects.toMatchObject(refusal);
    expect(() => openLedgerReader({ statePath })).toThrow(expect.objectContaining(refusal));
  });
});

describe('a file that is not a ledger', () => {
  test('but another database is refused and left as it was', async () => {
    const { statePath, path } = placeDatabase('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)');
    const before = readFileSync(path);
    const refusal = { code: 'ledger-foreign', scope: 'run', retry: 'never' };
    await expect(open(statePath)).rejects.toMatchObject(refusal);
    expect(() => openLedgerReader({ statePath })).toThrow(expect.objectContaining(refusal));
    expect(readFileSync(path)).toEqual(before);
  });

  test('but any octets is refused as damaged, and frees the lock', async () => {
    const statePath = temporaryStatePath();
    (await open(statePath)).close();
    writeFileSync(join(statePath, 'ledger.db'), Buffer.alloc(8192, 'A'));
    await expect(open(statePath)).rejects.toMatchObject({
      code: 'ledger-damaged',
      scope: 'run',
      retry: 'never',
    });
    await expect(open(statePath)).rejects.toMatchObject({ code: 'ledger-damaged' });
  });

  test('but was created by a run that was killed before its first commit is filled', async () => {
    const statePath = temporaryStatePath();
    mkdirSync(statePath, { recursive: true });
    writeFileSync(join(statePath, 'ledger.db'), '');
    expect(openLedgerReader({ statePath })).toBeUndefined();
    const ledger = await open(statePath);
    expect(ledger.accounts()).toEqual([]);
  });

  test('yet, because the power was cut while it was made, is left to the next run', async () => {
    const { statePath, path } = placeDatabase('PRAGMA journal_mode = WAL');
    // The file had no page before: https://sqlite.org/fileformat2.html#the_rollback_journal
    const journal = Buffer.alloc(512);
    journal.write('d9d505f920a163d7', 'hex');
    journal.writeUInt32BE(512, 20);
    journal.writeUInt32BE(4096, 24);
    writeFileSync(`${path}-journal`, journal);
    const refusal = { code: 'ledger-half-written', scope: 'run', retry: 'later' };
    expect(() => openLedgerReader({ statePath })).toThrow(expect.objectContaining(refusal));
    const ledger = await open(statePath);
    expect(ledger.accounts()).toEqual([]);
  });

  test('any more, because its pages were overwritten, says that it is damaged', async () => {
    const statePath = temporaryStatePath();
    const ledger = await open(statePath);
    await ledger.openAccount(ALICE).record({ stored: [stored(1, ['a'])] });
    ledger.close();
    const path = join(statePath, 'ledger.db');
    const octets = readFileSync(path);
    octets.fill(0xee, 4096);
    const broken = temporaryStatePath();
    mkdirSync(broken, { recursive: true });
    writeFileSync(join(broken, 'ledger.db'), octets);
    await expect(open(broken)).rejects.toMatchObject({ code: 'ledger-damaged' });
  });
});

describe('a full disk', () => {
  test('rolls the transaction back, says so, and the ledger goes on when there is room again', () => {
    const { path } = placeDatabase('CREATE TABLE t (a)');
    const database = openDatabase(path);
    database.exec('PRAGMA max_page_count = 4');
    const insert = database.prepare('INSERT INTO t VALUES (?)');
    const fill = () => database.transaction(() => insert.run(Buffer.alloc(100_000)));
    expect(fill).toThrow(expect.objectContaining({ code: 'ledger-full', scope: 'run', retry: 'never' }));
    expect(database.prepare('SELECT a FROM t').all()).toEqual([]);
    database.exec('PRAGMA max_page_count = 1000');
    fill();
  });
});

const sqlite3 = requireProgram('sqlite3');
sqlite3.describe('the sqlite3 program', () => {
  test('reads names, digests in hex and times in ISO while the job runs, and finds nothing wrong', async () => {
    const statePath = temporaryStatePath();
    const ledger = await open(statePath);
    const runId = await ledger.startRun('0.1.0');
    await ledger.openAccount(ALICE).record({ stored: [stored(1, ['a'], { uidl: 'x\u0000\u001b[2Jé' })] });
    await ledger.finishRun(runId, 'done');
    const ask = (sql: string): string =>
      execFileSync(sqlite3.path, ['-readonly', join(statePath, 'ledger.db'), sql], {
        encoding: 'utf8',
      }).trim();
    expect(ask('SELECT account, uidl, state, sha256, first_seen_at, sinks FROM messages')).toBe(
      `alice|x␀␛[2Jé|verified|${'1'.padStart(64, '0')}|2027-01-15T08:00:00.123Z|a`,
    );
    expect(ask('SELECT account, sink, root, form, proof, proved_at FROM receipts')).toBe(
      'alice|a|/srv/archive|lf|readback|2023-11-14T22:13:20.123Z',
    );
    expect(ask('SELECT id, version, outcome, started_at FROM runs')).toBe(
      '1|0.1.0|done|2027-01-15T08:00:00.123Z',
    );
    expect(ask('PRAGMA integrity_check')).toBe('ok');
    expect(ask('PRAGMA foreign_key_check')).toBe('');
    expect(ask('.schema message')).toContain('-- as LIST gave it');
  });
});
