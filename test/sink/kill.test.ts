/**
 * Real processes, really killed: SIGKILL at a spread of moments, over and over on one archive, until a run gets through. The
 * locks and temporary files that the dead leave behind are part of it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MaildirSink } from '../../src/sink/maildir/maildir-sink.ts';
import { MboxSink } from '../../src/sink/mbox/mbox-sink.ts';
import { ALICE, TestJournal } from '../contract/sink-contract.ts';
import { childMessage, MESSAGES, readLedger } from './child.ts';
import { maildirHarness, mboxHarness } from './harnesses.ts';

/** Prime steps, so that the deaths of one round fall on other kinds of calls than those of the one before. */
const DEATHS = [1, 2, 3, 5, 7, 11, 17, 23, 29, 37, 53, 71, 83, 97, 113, 131, 151, 173, 199, 229];

let compiled: string;
let folder: string;

/** Node 20 runs no TypeScript: the child is compiled, whether or not the project was built. */
beforeAll(() => {
  const project = resolve(import.meta.dirname, '../..');
  compiled = mkdtempSync(join(tmpdir(), 'mailferry-child-'));
  writeFileSync(join(compiled, 'package.json'), '{"type":"module"}');
  symlinkSync(join(project, 'node_modules'), join(compiled, 'node_modules'));
  const compilerOptions = {
    noEmit: false,
    rootDir: project,
    outDir: compiled,
    typeRoots: [join(project, 'node_modules/@types')],
  };
  const config = { extends: join(project, 'tsconfig.json'), compilerOptions };
  writeFileSync(
    join(compiled, 'tsconfig.json'),
    JSON.stringify({ ...config, files: [join(project, 'test/sink/child.ts')], include: [] }),
  );
  const tsc = join(project, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', compiled], { stdio: 'inherit' });
});

afterAll(() => {
  rmSync(compiled, { recursive: true, force: true });
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-kill-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** @returns whether the child was killed; it must not fail in any other way */
function runChild(kind: string, death: number): boolean {
  const script = join(compiled, 'test/sink/child.js');
  const child = spawnSync(process.execPath, [script, kind, folder, String(death)], { encoding: 'utf8' });
  expect(child.stderr).toBe('');
  expect([0, null]).toContain(child.status);
  return child.signal === 'SIGKILL';
}

const archive = (): string => join(folder, 'archive');
const options = () => ({ name: 'x', pathFor: archive, patienceMs: 0 });

const SINKS = [
  {
    kind: 'maildir',
    open: () => new MaildirSink(options()),
    count: () => maildirHarness(folder).count(archive()),
    leftovers: () => readdirSync(join(archive(), 'tmp')),
  },
  {
    kind: 'mbox',
    open: () => new MboxSink(options()),
    count: () => mboxHarness(folder).count(archive()),
    leftovers: () => readdirSync(folder).filter((name) => name.startsWith('archive.')),
  },
];

describe.each(SINKS)('a process that stores into a $kind sink', ({ kind, open, count, leftovers }) => {
  it('and is killed again and again ends with each message once, and leaves nothing else', async () => {
    let kills = 0;
    for (const death of DEATHS) {
      kills += runChild(kind, death) ? 1 : 0;
    }
    expect(runChild(kind, 0)).toBe(false);
    expect(kills).toBeGreaterThan(5);
    expect(count()).toBe(MESSAGES);
    expect(leftovers()).toEqual([]);
    const { receipts } = readLedger(folder);
    const held = await open().openArchive(ALICE, new TestJournal());
    for (let n = 0; n < MESSAGES; n++) {
      const receipt = receipts[n];
      expect(receipt?.sha256).toBe(childMessage(n).message.sha256);
      expect(receipt && (await held.verify(receipt))).toEqual({ kind: 'intact' });
    }
    await held.close();
  }, 120_000);
});
