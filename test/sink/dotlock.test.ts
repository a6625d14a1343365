import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeDotlock } from '../../src/sink/mbox/dotlock.ts';
import { formatIdentity, isRunning, parseIdentity, thisProcess } from '../../src/sink/process-identity.ts';

let folder: string;
let file: string;
let lockPath: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-lock-'));
  file = join(folder, 'x.mbox');
  lockPath = `${file}.lock`;
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The id of a process that has just ended. */
function endedPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe('a dotlock', () => {
  it('stands beside the file, names its process, and goes', async () => {
    const lock = await takeDotlock(file, 0);
    expect(parseIdentity(readFileSync(lockPath, 'latin1').split('\n')[0] ?? '')).toEqual(thisProcess());
    expect(readdirSync(folder)).toEqual(['x.mbox.lock']);
    lock.release();
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a running process is waited for, and then left to the next run', async () => {
    const lock = await takeDotlock(file, 0);
    await expect(takeDotlock(file, 30)).rejects.toMatchObject({
      code: 'sink-locked',
      scope: 'account',
      retry: 'later',
      message: expect.stringContaining(String(process.pid)),
    });
    lock.release();
    (await takeDotlock(file, 0)).release();
  });

  it('is taken as soon as it is free', async () => {
    const lock = await takeDotlock(file, 0);
    const waiting = takeDotlock(file, 60_000);
    lock.release();
    (await waiting).release();
  });

  it('of a process that is gone is broken', async () => {
    writeFileSync(lockPath, `${formatIdentity({ ...thisProcess(), pid: endedPid() })}\nx\n`);
    const lock = await takeDotlock(file, 0);
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a process whose id another one has now is broken', async () => {
    writeFileSync(lockPath, `${formatIdentity({ ...thisProcess(), start: '1-00000000' })}\nx\n`);
    (await takeDotlock(file, 0)).release();
  });

  it.each([
    ['another host', `${formatIdentity({ host: `not-${hostname()}`, pid: endedPid(), start: '1-x' })}\n`],
    ['another program', '1\n'],
    ['nobody', ''],
  ])('of %s is never broken, however old', async (_, text) => {
    writeFileSync(lockPath, text);
    utimesSync(lockPath, 0, 0);
    await expect(takeDotlock(file, 0)).rejects.toMatchObject({ code: 'sink-locked' });
    expect(readFileSync(lockPath, 'latin1')).toBe(text);
  });

  it('that somebody else has replaced is left to him, and held to be lost', async () => {
    const lock = await takeDotlock(file, 0);
    writeFileSync(lockPath, 'theirs');
    expect(() => lock.touch()).toThrow(expect.objectContaining({ code: 'sink-lock-lost', retry: 'later' }));
    lock.release();
    expect(existsSync(lockPath)).toBe(true);
  });

  it('that somebody has removed is held to be lost', async () => {
    const lock = await takeDotlock(file, 0);
    rmSync(lockPath);
    expect(() => lock.touch()).toThrow(expect.objectContaining({ code: 'sink-lock-lost', scope: 'account' }));
    lock.release();
  });

  it('is kept young', async () => {
    const lock = await takeDotlock(file, 0);
    utimesSync(lockPath, 0, 0);
    lock.touch();
    expect(statSync(lockPath).mtimeMs).toBeGreaterThan(0);
    lock.release();
  });

  it('goes to one of many who want it at once', async () => {
    writeFileSync(lockPath, `${formatIdentity({ ...thisProcess(), pid: endedPid() })}\nx\n`);
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => takeDotlock(file, 0)));
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('a process identity', () => {
  it('says whether the process runs', () => {
    expect(isRunning(thisProcess())).toBe(true);
    expect(isRunning({ ...thisProcess(), start: '' })).toBe(true);
    expect(isRunning({ ...thisProcess(), pid: endedPid() })).toBe(false);
    expect(isRunning({ ...thisProcess(), host: 'elsewhere' })).toBe('unknown');
  });

  it('is read only where we wrote it', () => {
    expect(parseIdentity(formatIdentity(thisProcess()))).toEqual(thisProcess());
    for (const text of ['', '1', '1:host', '1:host:start extra', 'x:host:', '12345678901:h:', ':::']) {
      expect(parseIdentity(text)).toBeUndefined();
    }
  });
});
