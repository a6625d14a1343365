/** What a shell user expects: pipes that close early, colours only where they are wanted, a terminal that is left clean. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';

const MAIL = someMessages(600);
const PROGRAM = fileURLToPath(new URL('../../bin/mailferry.js', import.meta.url));
const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');
const ESCAPE = '\u001b';
let folder: JobFolder;
let server: DemoServer;
let job: string;

beforeEach(async () => {
  folder = new JobFolder();
  server = await DemoServer.start({ users: [{ name: 'alice', password: PASSWORD, messages: MAIL }] });
  job = folder.writeJob(server.port, { accounts: ['alice'] });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

describe('a reader that has seen enough', () => {
  it.each([['--json'], ['--verbose']])('of run %s does not keep the run from its end', async (flag) => {
    const running = folder.start(['run', flag, job]);
    running.closeStdout();
    const { code, stderr } = await running.ended;
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/EPIPE.*\n.*at /);
    const expected = storedDigests(MAIL);
    expect(folder.archived('alice')).toEqual({ maildir: expected, mbox: expected });
  });

  it.each([[['plan', '--verbose']], [['status']], [['status', '--json']], [['--help']], [['run', '--help']]])(
    'of %j ends it quietly',
    async (args) => {
      await folder.run(['run', '--quiet', job]);
      const running = folder.start(args.includes('--help') ? args : [...args, job]);
      running.closeStdout();
      expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    },
  );
});

describe('colours', () => {
  it('are left out of pipes and files', async () => {
    const { stdout, stderr } = await folder.run(['run', job]);
    expect(stdout + stderr).not.toContain(ESCAPE);
  });

  it('come where FORCE_COLOR asks for them', async () => {
    const account = { id: 'alice', user: 'nobody' };
    const failing = folder.writeJob(server.port, { accounts: [account] });
    const { stdout } = await folder.run(['run', failing], { env: { FORCE_COLOR: '1' } });
    expect(stdout).toContain(ESCAPE);
  });
});

describe.skipIf(!hasScript)('on a terminal (needs `script` of util-linux)', () => {
  /** Runs the program in a pseudo-terminal and gives what came to the screen. */
  const onTerminal = (env: Record<string, string>): Promise<string> => {
    const command = `'${process.execPath}' '${PROGRAM}' run '${job}'`;
    return folder.runProgram('script', ['-qec', command, '/dev/null'], { TERM: 'xterm', ...env });
  };

  it('bars move and the closing report is whole', async () => {
    const screen = await onTerminal({});
    expect(screen).toContain(`${ESCAPE}[`);
    expect(screen).toMatch(/test: done: 600 messages/);
  });

  it('NO_COLOR takes the colours and leaves the report', async () => {
    const wrong = { id: 'alice', user: 'nobody' };
    job = folder.writeJob(server.port, { accounts: [wrong] });
    const colours = new RegExp(`${ESCAPE}\\[(31|32|33|1|2)m`);
    expect(await onTerminal({})).toMatch(colours);
    const screen = await onTerminal({ NO_COLOR: '1' });
    expect(screen).not.toMatch(colours);
    expect(screen).toMatch(/test: failed/);
  });

  it('TERM=dumb gets plain lines, nothing that moves the cursor', async () => {
    const screen = await onTerminal({ TERM: 'dumb' });
    expect(screen).not.toContain(ESCAPE);
    expect(screen).toMatch(/alice: 600 messages archived/);
  });
});
