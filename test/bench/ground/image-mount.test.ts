import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseGround } from './choose-ground.ts';
import { describeFileSystem } from './file-system.ts';
import { openImageMount } from './image-mount.ts';

const MEBIBYTES = 64;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-image-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function canMount(): boolean {
  const trial = mkdtempSync(join(tmpdir(), 'mailferry-image-'));
  try {
    return chooseGround(undefined, trial).advice === undefined;
  } finally {
    rmSync(trial, { recursive: true });
  }
}

const isMounted = () => readFileSync('/proc/mounts', 'utf8').includes(folder);
const isAttached = () => execFileSync('losetup', ['--all'], { encoding: 'utf8' }).includes(folder);

describe.skipIf(!canMount())('a file system in an image', () => {
  it('is an ext4 with a journal, empty, and gone without a trace when it is disposed of', () => {
    const listeners = process.listenerCount('exit');
    {
      using mount = openImageMount(join(folder, 'ground'), MEBIBYTES);
      expect(describeFileSystem(mount.path)).toBe('ext4 with a journal (data=ordered)');
      expect(readdirSync(mount.path)).toEqual([]);
      expect([isMounted(), isAttached()]).toEqual([true, true]);
    }
    expect([isMounted(), isAttached(), readdirSync(folder)]).toEqual([false, false, []]);
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  it('leaves nothing where it cannot be made', () => {
    expect(() => openImageMount(join(folder, 'ground'), 0)).toThrow('fallocate');
    expect([isAttached(), readdirSync(folder)]).toEqual([false, []]);
  });

  it('that is still in use is told, and goes when it is disposed of again', () => {
    const mount = openImageMount(join(folder, 'ground'), MEBIBYTES, 0);
    const file = openSync(join(mount.path, 'target'), 'w');
    expect(() => mount[Symbol.dispose]()).toThrow('target is busy');
    closeSync(file);
    mount[Symbol.dispose]();
    expect([isMounted(), isAttached(), existsSync(join(folder, 'ground'))]).toEqual([false, false, false]);
  });
});
