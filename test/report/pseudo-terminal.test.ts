/**
 * Bars in a real pseudo-terminal, made by util-linux `script`: the kernel's line discipline and Node's own tty streams take
 * part, which fake streams cannot show.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeScreen } from './fake-stream.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;

/** Plays a run of three accounts and, in the end, does what `ending` says. */
function programOf(built: string, ending: string): string {
  return `
    import { openReporter } from ${JSON.stringify(pathToFileURL(join(built, 'report/open-reporter.js')).href)};
    const { stdout, stderr, env } = process;
    const reporter = openReporter({ json: false, quiet: false, level: 'info', verbose: false, stdout, stderr, env });
    const counts = { listed: 9, archivedNow: 9, archivedBefore: 0, skipped: 0, quarantined: 0, failed: 0, unreached: 0, octets: 900 };
    // Until the next frame is written.
    const frame = () => new Promise((wake) => {
      const { write } = stderr;
      stderr.write = (text) => {
        stderr.write = write;
        wake();
        return write.call(stderr, text);
      };
    });
    reporter.report({ type: 'run.started', job: 'nightly', runId: 1, accounts: 3 });
    for (const account of ['alice', 'bob', 'carol']) {
      reporter.report({ type: 'account.started', account, host: 'h' });
      reporter.report({ type: 'account.listed', account, listed: 9, listedOctets: 900, archivedBefore: 0, wanted: 9, wantedOctets: 900 });
      await frame();
      reporter.report({ type: 'logged', level: 'warn', account, text: 'look \\u001b[2J here' });
      await frame();
    }
    ${ending}
    for (const account of ['alice', 'bob', 'carol']) {
      reporter.report({ type: 'account.finished', account, outcome: 'done', counts, failure: undefined, hint: undefined, durationMs: 5 });
    }
    const sum = { ...counts, listed: 27, archivedNow: 27, octets: 2700 };
    reporter.report({ type: 'run.finished', job: 'nightly', runId: 1, outcome: 'done', accounts: 3, counts: sum, durationMs: 10 });
    await reporter.close();
  `;
}

describe.skipIf(!hasScript)('in a real pseudo-terminal (needs `script` of util-linux)', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailferry-pty-'));
    await mkdir(join(folder, 'built'));
    await symlink(resolve(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const config = {
      extends: resolve(ROOT, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        noCheck: true,
        rootDir: resolve(ROOT, 'src'),
        outDir: join(folder, 'built'),
      },
      files: [resolve(ROOT, 'src/report/open-reporter.ts')],
      include: [],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await run(process.execPath, [resolve(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder]);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function play(ending: string): Promise<{ raw: string; screen: FakeScreen }> {
    const program = join(folder, 'program.js');
    await writeFile(program, programOf(join(folder, 'built'), ending));
    const command = `stty rows 24 cols 80; '${process.execPath}' '${program}'`;
    const env = { PATH: process.env['PATH'], TERM: 'xterm', NO_COLOR: '1', SHELL: '/bin/sh' };
    const { stdout } = await run('script', ['-qc', command, '/dev/null'], { env });
    const screen = new FakeScreen(80);
    screen.feed(stdout);
    return { raw: stdout, screen };
  }

  test('bars are drawn, log lines stay whole, and the closing report follows on a clean screen', async () => {
    const { raw, screen } = await play('');
    expect(raw).toMatch(/alice +\[-+\]/);
    expect(raw).toContain('0/3 accounts');
    expect(screen.text.split('\n').slice(0, 7)).toEqual([
      'warning: alice: look \\x1b[2J here',
      'warning: bob: look \\x1b[2J here',
      'warning: carol: look \\x1b[2J here',
      'alice: 9 messages archived (900 B) of 9 listed in 0.0 s',
      'bob: 9 messages archived (900 B) of 9 listed in 0.0 s',
      'carol: 9 messages archived (900 B) of 9 listed in 0.0 s',
      'nightly: done: 27 messages (2.7 kB) archived from 3 accounts in 0.0 s',
    ]);
    expect([screen.isCursorVisible, screen.isWrapping]).toEqual([true, true]);
  });

  test.each([
    ['a crash', "throw new Error('crashed');", 'Error: crashed'],
    ['an exit', 'process.exit(1);', ''],
    ['kill -9', "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});", ''],
  ])('after %s the cursor is visible and lines wrap', async (_name, ending, message) => {
    // The program fails on purpose; `script` passes no exit code without -e.
    const { raw, screen } = await play(ending);
    expect(raw).toMatch(/carol +\[-+\]/);
    expect(screen.text).toContain(message);
    expect([screen.isCursorVisible, screen.isWrapping]).toEqual([true, true]);
  });
});
