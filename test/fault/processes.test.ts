/** Several processes, processes that stand still, users without rights, and output that nobody can take. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { silent } from '../../src/demo/misbehaviour.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { requireProgram } from '../support/programs.ts';
import { runWrapped } from './support/wrapped.ts';

const MAIL = someMessages(300);
const BOBS = someMessages(20, 'to bob');
/** The RETR at which the server falls silent; well behind the first batch. */
const STUCK = 290;
const NOBODY = 65_534;
/** The server gives up a session in which nothing comes for so long. */
const IDLE_MS = 1500;

let folder: JobFolder;
let server: DemoServer;

beforeEach(async () => {
  folder = new JobFolder();
  const users = [
    { name: 'alice', password: PASSWORD, messages: MAIL },
    { name: 'bob', password: PASSWORD, messages: BOBS },
  ];
  server = await DemoServer.start({ users });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

const deleting = { delete: { after: 'verified' }, limits: { patience: '1s' } };

function expectAllOnce(mail: readonly Buffer[] = MAIL): void {
  const all = storedDigests(mail);
  expect(folder.archived('alice')).toEqual({ maildir: all, mbox: all });
}

const left = (): number => server.mailbox('alice').entries.length;

async function untilNoSession(): Promise<void> {
  while (server.record.openSessions > 0) {
    await nextTurn();
  }
}

describe('a second process', () => {
  it('of the same job is refused with exit code 5 and the process id of the first, and disturbs nothing', async () => {
    const job = folder.writeJob(server.port, { accounts: ['alice'], ...deleting });
    server.misbehaviour.on(silent({ verb: 'RETR', message: STUCK, times: 1 }));
    const first = folder.start(['run', '--json', job]);
    await first.prints('stdout', '"message.archived"');
    const second = await folder.run(['run', job]);
    expect(second.code).toBe(5);
    expect(second.stderr).toContain(`already running (process ${first.pid} on `);
    expect(second.stderr).toContain('what to do:');
    first.kill('SIGKILL');
    await first.ended;
    await untilNoSession();
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    expectAllOnce();
    expect(left()).toBe(0);
  });

  it('of another job waits for the lock of the mbox, then leaves it to the next run; a dead one’s lock is broken', async () => {
    const sinks = [{ mbox: './mbox/{account}.mbox' }];
    const holder = folder.writeJob(server.port, { accounts: ['alice'], sinks, state: './a' }, 'a.json');
    const other = folder.writeJob(
      server.port,
      { accounts: [{ id: 'alice', user: 'bob' }], sinks, state: './b', ...deleting },
      'b.json',
    );
    server.misbehaviour.on(silent({ verb: 'RETR', message: STUCK, user: 'alice', times: 1 }));
    const first = folder.start(['run', '--json', holder]);
    await first.prints('stdout', '"message.archived"');
    const second = await folder.run(['run', '--quiet', other]);
    expect(second.code).toBe(5);
    expect(second.stderr).toMatch(/alice\.mbox\.lock.*sink-locked/);
    expect(server.mailbox('bob').entries).toHaveLength(BOBS.length);

    first.kill('SIGKILL');
    await first.ended;
    await untilNoSession();
    expect(existsSync(`${folder.mbox('alice')}.lock`)).toBe(true);
    expect(await folder.run(['run', '--quiet', other])).toMatchObject({ code: 0, stderr: '' });
    expect(server.mailbox('bob').entries).toEqual([]);
    expect(existsSync(`${folder.mbox('alice')}.lock`)).toBe(false);
    // The first job finds mail of another behind its own, leaves it there, and goes on.
    expect((await folder.run(['run', '--quiet', holder])).code).toBe(0);
    expect(folder.archived('alice').mbox).toEqual(storedDigests([...MAIL, ...BOBS]));
  });
});

it('a process that stands still for longer than every timeout ends its session in order, and the next run goes on', async () => {
  await server.close();
  const users = [{ name: 'alice', password: PASSWORD, messages: MAIL }];
  server = await DemoServer.start({ users, idleMs: IDLE_MS });
  const limits = { patience: '1s', timeout: '1s' };
  const job = folder.writeJob(server.port, { accounts: ['alice'], ...deleting, limits });
  const running = folder.start(['run', '--json', job]);
  server.misbehaviour.on(silent({ verb: 'RETR', message: STUCK, times: 1 }));
  await running.prints('stdout', '"message.archived"');
  running.kill('SIGSTOP');
  await untilNoSession();
  running.kill('SIGCONT');
  const { code, stderr } = await running.ended;
  expect([0, 5], stderr).toContain(code);
  expect(stderr).not.toContain('defect');
  server.misbehaviour.allOff();
  expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0 });
  expectAllOnce();
  expect(left()).toBe(0);
});

describe('output that a full disk does not take', () => {
  it.skipIf(!existsSync('/dev/full'))(
    'does not keep the run from its end, and shows in the exit code',
    async () => {
      const job = folder.writeJob(server.port, { accounts: ['alice'], ...deleting });
      const end = await runWrapped(['sh', '-c', '"$@" > /dev/full', 'sh'], ['run', job], folder.path);
      expect(end).toMatchObject({ code: 3, stderr: expect.stringContaining('standard output') });
      expect(end.stderr).not.toMatch(/^ +at /m);
      expectAllOnce();
      expect(left()).toBe(0);
    },
  );
});

const isRoot = process.getuid?.() === 0;
const unprivileged = isRoot ? requireProgram('setpriv') : requireProgram('root rights');

unprivileged.describe('a user without rights', () => {
  const wrapper = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] as const;

  /** Readable by everybody; nobody owns the state folder, and what is named. */
  function giveTo(...folders: string[]): void {
    chmodSync(folder.path, 0o755);
    for (const name of ['state', ...folders]) {
      mkdirSync(join(folder.path, name), { recursive: true });
      chownSync(join(folder.path, name), NOBODY, NOBODY);
    }
  }

  it.skipIf(!canRead())(
    'to a sink: exit code 3, the right that is missing, and nothing is deleted',
    async () => {
      const job = folder.writeJob(server.port, { accounts: ['alice'], ...deleting });
      giveTo('maildir');
      const end = await runWrapped(wrapper, ['run', '--quiet', job], folder.path);
      expect(end).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/EACCES.*sink-denied.*right to write/s),
      });
      expect([left(), server.record.count('DELE')]).toEqual([MAIL.length, 0]);
      giveTo('mbox');
      expect(await runWrapped(wrapper, ['run', '--quiet', job], folder.path)).toMatchObject({
        code: 0,
        stderr: '',
      });
      expectAllOnce();
      expect(left()).toBe(0);
    },
  );

  it.skipIf(!canRead())('to the ledger: exit code 3, and nothing is asked of the server', async () => {
    const job = folder.writeJob(server.port, { accounts: ['alice'], ...deleting });
    giveTo('maildir', 'mbox');
    await runWrapped(wrapper, ['run', '--quiet', job], folder.path);
    chownSync(join(folder.path, 'state', 'ledger.db'), 0, 0);
    chmodSync(join(folder.path, 'state', 'ledger.db'), 0o600);
    const sessions = server.record.sessions;
    const end = await runWrapped(wrapper, ['run', '--quiet', job], folder.path);
    expect(end).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/ledger\.db.*\n.*what to do:.*permissions/),
    });
    expect(server.record.sessions).toBe(sessions);
  });

  /** A checkout in a private folder cannot be run by others. */
  function canRead(): boolean {
    const [program, ...args] = wrapper;
    return isRoot && spawnSync(program, [...args, 'test', '-r', import.meta.filename]).status === 0;
  }
});
