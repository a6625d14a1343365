/** One process per job, between real processes. */
import { once } from 'node:events';
import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { type Child, type CompiledChild, compileChild, killChild, startChild } from './child-process.ts';
import { temporaryStatePath } from './sqlite-fixture.ts';

describe('the lock of a job', () => {
  let compiled: CompiledChild;
  beforeAll(() => {
    compiled = compileChild();
  }, 60_000);
  afterAll(() => compiled.remove());

  async function startHolder(statePath: string): Promise<Child> {
    const child = startChild(compiled.script, 'hold', statePath);
    await once(child.stdout, 'data');
    return child;
  }

  function open(statePath: string) {
    return openLedger({ statePath, job: 'nightly', sinks: ['a'] });
  }

  test('refuses a second process and says who holds it since when', async () => {
    const statePath = temporaryStatePath();
    const child = await startHolder(statePath);
    await expect(open(statePath)).rejects.toMatchObject({
      name: 'MailferryError',
      code: 'job-running',
      scope: 'run',
      retry: 'later',
      message: expect.stringMatching(
        new RegExp(`^the job nightly is already running \\(process ${child.pid} on .+ since \\d{4}-.+Z\\)$`),
      ),
    });
  });

  test('leaves readers alone', async () => {
    const statePath = temporaryStatePath();
    await startHolder(statePath);
    const reader = openLedgerReader({ statePath });
    expect(reader?.accounts()).toEqual([]);
    reader?.close();
  });

  test('is gone with a process that was killed', async () => {
    const statePath = temporaryStatePath();
    const child = await startHolder(statePath);
    await killChild(child);
    const ledger = await open(statePath);
    ledger.close();
  });

  test('is gone with a process that ended well', async () => {
    const statePath = temporaryStatePath();
    const child = await startHolder(statePath);
    child.stdin.end();
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    const ledger = await open(statePath);
    ledger.close();
  });

  test('is held by this process against another, also after a refused opening of its own', async () => {
    const statePath = temporaryStatePath();
    const ledger = await open(statePath);
    await expect(open(statePath)).rejects.toMatchObject({ code: 'job-running' });
    openLedgerReader({ statePath })?.close();
    const child = startChild(compiled.script, 'hold', statePath);
    const [answer] = await once(child.stdout, 'data');
    expect(String(answer)).toBe('job-running');
    ledger.close();
  });

  test('is given back although the note of its holder cannot be removed, and that is said', async () => {
    const statePath = temporaryStatePath();
    const ledger = await open(statePath);
    const note = join(statePath, 'job.holder');
    rmSync(note);
    mkdirSync(note);
    expect(() => ledger.close()).toThrow(expect.objectContaining({ code: 'ledger-io', scope: 'run' }));
    rmdirSync(note);
    (await open(statePath)).close();
  });
});
