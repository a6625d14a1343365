/**
 * The program killed as it enters the k-th write, sync, rename, unlink, connect …, over a stride of k: strace injects the signal.
 * With one thread in Node's pool the k-th call is the same call in every run, as far as the network lets it be.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MailferryOptions } from '../support/mailferry.ts';
import { requireProgram } from '../support/programs.ts';
import { CrashBed, type EndState } from './crash-bed.ts';
import { type CrashFigures, runCases, runUndisturbed, tellFigures } from './crash-cases.ts';
import { spread } from './spread.ts';

const CALLS = [
  'pwrite64',
  'write',
  'fsync',
  'fdatasync',
  'rename',
  'link',
  'unlink',
  'ftruncate',
  'mkdir',
  'connect',
] as const;
/** How many deaths at each kind of call, spread over all there are in a run, the first and the last among them. */
const DEATHS = process.env['CI'] === 'true' ? 3 : 6;

const strace = requireProgram('strace');

/** A container may have strace and forbid it to trace: then there is nothing to test with, in CI too. */
function whyNot(): string | undefined {
  if (strace.reason !== undefined) {
    return undefined;
  }
  const inject = ['-f', '-qq', '-e', 'trace=write', '-e', 'inject=write:signal=SIGKILL:when=1'];
  const { signal, stderr } = spawnSync(strace.path, [...inject, 'echo', 'x'], { encoding: 'utf8' });
  return signal === 'SIGKILL' ? undefined : `this machine does not let strace inject: ${stderr.trim()}`;
}

const under = (...options: readonly string[]): MailferryOptions => ({
  under: [strace.path, '-f', '-qq', ...options],
  env: { UV_THREADPOOL_SIZE: '1' },
});

const killingAt = (call: string, when: number): MailferryOptions =>
  under('-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${when}`);

/** How often the busiest thread makes each call in an undisturbed run: strace counts by thread. */
async function countCalls(): Promise<ReadonlyMap<string, number>> {
  await using bed = await CrashBed.make();
  const path = join(bed.folder.path, 'calls');
  const { code } = await bed.run('', under('-o', path, '-e', `trace=${CALLS.join(',')}`));
  expect(code).toBe(0);
  const byThread = new Map<string, number>();
  const most = new Map<string, number>();
  for (const [, thread, call] of readFileSync(path, 'latin1').matchAll(/^(\d+) +(\w+)\(/gm)) {
    const count = (byThread.get(`${thread} ${call}`) ?? 0) + 1;
    byThread.set(`${thread} ${call}`, count);
    most.set(call ?? '', Math.max(count, most.get(call ?? '') ?? 0));
  }
  return most;
}

const reason = whyNot();

if (reason !== undefined) {
  describe.skip(`killed at system calls (skipped, ${reason})`, () => {
    it('is skipped', () => undefined);
  });
} else {
  strace.describe('killed at system calls', () => {
    let expected: EndState;
    let counts: ReadonlyMap<string, number>;
    const total: CrashFigures = { cases: 0, kills: 0, pairs: 0, unmet: 0, deletions: 0 };

    beforeAll(async () => {
      ({ end: expected } = await runUndisturbed());
      counts = await countCalls();
    });

    afterAll(() => tellFigures('system calls', total));

    it.each(CALLS)('%s: ends as an undisturbed run does, and one more run changes nothing', async (call) => {
      const last = counts.get(call) ?? 0;
      expect(last, `calls of ${call}`).toBeGreaterThan(0);
      const cases = spread(last, DEATHS).map((when) => [{ failpoint: '', options: killingAt(call, when) }]);
      const figures = await runCases(cases, expected);
      expect(figures.kills).toBeGreaterThan(0);
      for (const key of ['cases', 'kills', 'pairs', 'unmet', 'deletions'] as const) {
        total[key] += figures[key];
      }
    });
  });
}
