/** Transactions that are told only once the write-ahead log is synced. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Commits } from '../../src/ledger/commits.ts';
import { Database } from '../../src/ledger/sqlite.ts';
import { makeStateFolder } from '../../src/ledger/state-folder.ts';
import { temporaryStatePath } from './sqlite-fixture.ts';

/** A database with commits whose syncs end when the test says so. */
function openBed() {
  const statePath = temporaryStatePath();
  makeStateFolder(statePath);
  const database = new Database(join(statePath, 'test.db'), { readOnly: false, busyTimeoutMs: 0 });
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE said (word TEXT)');
  const syncs: { end: () => void; fail: (cause: Error) => void }[] = [];
  let folderSyncs = 0;
  const commits = new Commits(database, undefined, {
    log: () => new Promise((resolve, reject) => syncs.push({ end: resolve, fail: reject })),
    folder: async () => {
      folderSyncs += 1;
    },
  });
  onTestFinished(() => {
    commits.close();
    database.close();
  });
  const insert = database.prepare('INSERT INTO said VALUES (?)');
  const said: string[] = [];
  const say = (word: string): Promise<void> =>
    commits.run(() => insert.run(word)).then(() => void said.push(word));
  const note = (word: string): void => void commits.runUnsynced(() => insert.run(word));
  const count = database.prepare<{ words: number }>('SELECT count(*) AS words FROM said');
  return {
    commits,
    note,
    say,
    said,
    syncs,
    folderSyncs: () => folderSyncs,
    committed: () => count.get()?.words,
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a transaction is told only when a sync that began after it has ended', async () => {
  const { say, said, syncs, folderSyncs, committed } = openBed();
  const first = say('one');
  await turn();
  const second = say('two');
  const third = say('three');
  await turn();
  expect([committed(), said, syncs.length]).toEqual([3, [], 1]);
  syncs[0]?.end();
  await first;
  await turn();
  expect([said, syncs.length]).toEqual([['one'], 2]);
  syncs[1]?.end();
  await Promise.all([second, third]);
  expect([said, syncs.length]).toEqual([['one', 'two', 'three'], 2]);
  // The log's name in its folder, too, and once.
  expect(folderSyncs()).toBe(1);
});

test('after a failed sync nothing more is recorded, and nobody waiting is told', async () => {
  const { say, said, syncs, committed } = openBed();
  const first = say('one');
  await turn();
  const second = say('two');
  const failure = { code: 'ledger-io', scope: 'run', retry: 'never' };
  const both = Promise.all([
    expect(first).rejects.toMatchObject(failure),
    expect(second).rejects.toMatchObject(failure),
  ]);
  syncs[0]?.fail(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }));
  await both;
  await expect(say('three')).rejects.toMatchObject(failure);
  expect([committed(), said, syncs.length]).toEqual([2, [], 1]);
});

test('work that throws changes nothing, waits for no sync, and keeps nothing else from being recorded', async () => {
  const { commits, say, said, syncs, committed } = openBed();
  const broken = commits.run(() => {
    throw new Error('broken');
  });
  await expect(broken).rejects.toThrow('broken');
  expect([committed(), syncs.length]).toEqual([0, 0]);
  const next = say('one');
  await turn();
  syncs[0]?.end();
  await next;
  expect([committed(), said]).toEqual([1, ['one']]);
});

test('what nobody relies on waits for no sync, and is refused like all else after one has failed', async () => {
  const { commits, note, say, syncs, committed } = openBed();
  note('beside');
  await turn();
  expect([committed(), syncs.length]).toEqual([1, 0]);
  const next = say('one');
  await turn();
  syncs[0]?.fail(new Error('EIO'));
  await expect(next).rejects.toMatchObject({ code: 'ledger-io' });
  expect(() => note('late')).toThrow(expect.objectContaining({ code: 'ledger-io' }));
  expect([committed(), commits.isSound]).toEqual([2, false]);
});
