/** What holds for every command: help, version, and what a shell user expects of a program. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobFolder } from '../support/job-folder.ts';
import { mailferry } from '../support/mailferry.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const COMMANDS = ['run', 'plan', 'status', 'probe', 'demo'];
let folder: JobFolder;

beforeEach(() => {
  folder = new JobFolder();
});

afterEach(() => folder[Symbol.asyncDispose]());

describe('help', () => {
  it.each(COMMANDS)('of %s describes it, gives examples and the exit codes', async (command) => {
    const { code, stdout, stderr } = await mailferry([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: mailferry ${command} `));
    expect(stdout).toMatch(new RegExp(`\nExamples:\n  mailferry ${command}`));
    for (const exitCode of [0, 1, 2, 3, 4, 5, 130]) {
      expect(stdout).toMatch(new RegExp(`\n {2}${exitCode} +\\S`));
    }
  });

  it('of the program names every command, and is shown when nothing is asked', async () => {
    const asked = await mailferry(['--help']);
    const bare = await mailferry([]);
    expect(asked).toMatchObject({ code: 0, stderr: '' });
    expect(bare.stdout).toBe(asked.stdout);
    for (const command of COMMANDS) expect(asked.stdout).toMatch(new RegExp(`\n {2}${command} `));
  });
});

it.each(['--version', '-V'])('%s prints the version of the package', async (flag) => {
  expect(await mailferry([flag])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
});

describe('wrong usage ends with 2, says what is wrong on stderr, prints no result', () => {
  it.each([
    [['run', '--colour', 'job.yaml'], "unknown option '--colour'"],
    [['walk', 'job.yaml'], "unknown command 'walk'"],
    [['run'], "missing required argument 'job'"],
    [['run', '--log-level', 'loud', 'job.yaml'], "'loud' is invalid"],
    [['run', '--account', '', 'job.yaml'], "option '-a, --account <glob>'"],
    [['run', 'missing.yaml'], 'missing.yaml'],
    [['status'], 'there is no ledger below .mailferry'],
    [['probe', 'imap://127.0.0.1'], 'imap://127.0.0.1'],
    [
      ['probe', 'pops://alice:secret@127.0.0.1'],
      'alice:…@127.0.0.1 cannot be probed: expected a POP URL without a password',
    ],
    [['probe', '--account', 'a', 'pop://127.0.0.1'], '--account goes with a job'],
  ])('mailferry %j', async (args, complaint) => {
    const { code, stdout, stderr } = await folder.run(args);
    expect(stderr).toContain(complaint);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toContain('secret');
    expect(folder.files()).toEqual([]);
  });

  it('a job definition with several mistakes: all are told at once, each with its place', async () => {
    folder.write('job.yaml', 'name: a b\naccounts:\n  - { host: h, user: u, pasword: p, port: 99999 }\n');
    const { code, stdout, stderr } = await folder.run(['run', 'job.yaml']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const place of ['name', 'accounts[0].pasword', 'accounts[0].port', 'sinks'])
      expect(stderr).toContain(place);
    expect(stderr).toMatch(/job\.yaml:3/);
    expect(folder.files()).toEqual(['job.yaml']);
  });

  it('a mistake in the second job keeps the first one from running', async () => {
    const good = folder.writeJob(9, { accounts: ['alice'] });
    folder.write('bad.yaml', 'name: bad\n');
    const { code, stderr } = await folder.run(['run', good, 'bad.yaml']);
    expect(code).toBe(2);
    expect(stderr).toContain('bad.yaml');
    expect(folder.has('state')).toBe(false);
  });

  it('an account that the job has not', async () => {
    const job = folder.writeJob(9, { accounts: ['alice'] });
    const { code, stderr } = await folder.run(['run', '--account', 'bob*', job]);
    expect(code).toBe(2);
    expect(stderr).toContain('--account bob* matches none of the 1 accounts');
  });

  it('a secret that cannot be had', async () => {
    const job = folder.writeJob(9, {
      accounts: [{ id: 'a', user: 'a', password: { env: 'NOT_SET_ANYWHERE' } }],
    });
    const { code, stderr } = await folder.run(['run', job]);
    expect(code).toBe(2);
    expect(stderr).toContain('NOT_SET_ANYWHERE');
  });
});
