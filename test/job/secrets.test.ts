import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import type { SecretSource } from '../../src/job/job.ts';
import { type ResolvedSecret, resolveSecret } from '../../src/job/secrets.ts';
import { tempFolder } from './temp-folder.ts';

const NODE = process.execPath;
const never = new AbortController().signal;

function resolve(source: SecretSource, env: Record<string, string> = {}): Promise<ResolvedSecret> {
  return resolveSecret(source, { timeoutMs: 20_000, signal: never, env });
}

/** A command that runs a line of JavaScript. */
function script(code: string): SecretSource {
  return { kind: 'command', argv: [NODE, '-e', code] };
}

function prints(text: string): SecretSource {
  return script(`process.stdout.write(${JSON.stringify(text)})`);
}

async function failure(source: SecretSource, env: Record<string, string> = {}): Promise<MailferryError> {
  const thrown = await resolve(source, env).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(MailferryError);
  // Just checked; the assertion does not narrow the type.
  return thrown as MailferryError;
}

describe('a secret', () => {
  test('comes from the job itself', async () => {
    expect((await resolve({ kind: 'plain', value: 'pässword ' })).secret.reveal()).toBe('pässword ');
  });

  test('comes from the environment, to the last character', async () => {
    const { secret } = await resolve({ kind: 'env', name: 'PW' }, { PW: ' a b ' });
    expect(secret.reveal()).toBe(' a b ');
  });

  test('comes from a systemd credential', async () => {
    const folder = await tempFolder();
    await folder.write('pop', 'hunter2\n');
    const env = { CREDENTIALS_DIRECTORY: folder.path };
    expect((await resolve({ kind: 'credential', name: 'pop' }, env)).secret.reveal()).toBe('hunter2');
    expect(await failure({ kind: 'credential', name: 'pop' })).toMatchObject({
      code: 'secret-missing',
      message: expect.stringContaining('$CREDENTIALS_DIRECTORY is not set'),
      hint: expect.stringContaining('LoadCredential=pop:'),
    });
  });

  test('comes from a netrc file, by host and user', async () => {
    const folder = await tempFolder();
    const path = await folder.write(
      'netrc',
      'machine h login bob password y\nmachine h login alice password hunter2\n',
    );
    const alice = { kind: 'netrc', path, host: 'h', user: 'alice' } as const;
    expect((await resolve(alice)).secret.reveal()).toBe('hunter2');
    expect(await failure({ ...alice, user: 'carol' })).toMatchObject({
      code: 'secret-missing',
      message: expect.stringMatching(/has no password for "carol" on "h"$/),
      hint: expect.stringContaining('machine h login carol password'),
    });
  });

  test.each([
    ['x', 'x'],
    ['x\n', 'x'],
    ['x\r\n', 'x'],
    [' x \n', ' x '],
    ['\ufeffx\n', 'x'],
  ])('from a file that holds %j is %j', async (content, expected) => {
    const folder = await tempFolder();
    const path = await folder.write('secret', content);
    expect(await resolve({ kind: 'file', path })).toMatchObject({
      secret: { reveal: expect.any(Function) },
      warnings: [],
    });
    expect((await resolve({ kind: 'file', path })).secret.reveal()).toBe(expected);
  });

  test.each([
    ['x', 'x'],
    ['x\n', 'x'],
    ['x\r\n', 'x'],
  ])('from a command that prints %j is %j', async (printed, expected) => {
    expect((await resolve(prints(printed))).secret.reveal()).toBe(expected);
  });

  test('from a command gets its arguments as they are, without a shell', async () => {
    const code = 'process.stdout.write(process.argv[1])';
    const source: SecretSource = { kind: 'command', argv: [NODE, '-e', code, '$HOME `id` *'] };
    expect((await resolve(source)).secret.reveal()).toBe('$HOME `id` *');
  });

  test('from a command that reads its input does not wait for anybody', async () => {
    const source = script("process.stdin.on('end', () => process.stdout.write('x')).resume()");
    expect((await resolve(source)).secret.reveal()).toBe('x');
  });
});

describe('a secret that is unusable', () => {
  test.each(['hunter\r2', 'hunter\n2', 'hunter\u00002', 'hunter\n\n', 'hunter\r\n\r\n', '\nhunter'])(
    'because it is %j is refused unseen',
    async (value) => {
      const folder = await tempFolder();
      const path = await folder.write('secret', value);
      for (const source of [
        { kind: 'file', path } as const,
        prints(value),
        { kind: 'plain', value } as const,
      ]) {
        const error = await failure(source);
        expect(error).toMatchObject({ code: 'secret-unusable', scope: 'account', retry: 'never' });
        expect(error.message).toContain('a line end or a NUL');
        expect(error.message).not.toContain('hunter');
      }
    },
  );

  test.each(['', '\n'])('because a file holds only %j is refused', async (content) => {
    const folder = await tempFolder();
    const path = await folder.write('secret', content);
    expect(await failure({ kind: 'file', path })).toMatchObject({
      code: 'secret-unusable',
      message: `the secret file "${path}" is empty`,
    });
  });

  test('because the variable is empty is refused', async () => {
    const error = await failure({ kind: 'env', name: 'PW' }, { PW: '' });
    expect(error).toMatchObject({
      code: 'secret-unusable',
      message: 'the environment variable "PW" is empty',
    });
  });

  test('because it is not UTF-8 is refused', async () => {
    const folder = await tempFolder();
    const path = await folder.write('secret', Buffer.from([0x61, 0xff]));
    expect(await failure({ kind: 'file', path })).toMatchObject({ code: 'secret-unusable' });
  });

  test('because a file or a command gives far too much is refused', async () => {
    const folder = await tempFolder();
    const path = await folder.write('secret', 'x'.repeat(70_000));
    expect(await failure({ kind: 'file', path })).toMatchObject({ code: 'secret-unusable' });
    expect(await failure(script("process.stdout.write('x'.repeat(1e6))"))).toMatchObject({
      code: 'secret-unusable',
    });
  });
});

describe('a secret that is missing', () => {
  test('because the variable is not set is told with its name', async () => {
    const error = await failure({ kind: 'env', name: 'MAIL_PW' });
    expect(error).toMatchObject({ code: 'secret-missing', scope: 'account', retry: 'never' });
    expect(error.message).toBe('the environment variable "MAIL_PW" is not set');
    expect(error.hint).not.toBe('');
  });

  test('because the file is not there, or is a folder, is told with its path', async () => {
    const { path } = await tempFolder();
    const missing = await failure({ kind: 'file', path: join(path, 'nope') });
    expect(missing).toMatchObject({
      code: 'secret-missing',
      message: expect.stringContaining('does not exist'),
    });
    expect(await failure({ kind: 'file', path })).toMatchObject({
      message: expect.stringContaining('is a folder'),
    });
  });

  test('because a pipe stands where a file should does not wait for a writer', async () => {
    const { path } = await tempFolder();
    execFileSync('mkfifo', [join(path, 'pipe')]);
    const error = await failure({ kind: 'file', path: join(path, 'pipe') });
    expect(error).toMatchObject({
      code: 'secret-missing',
      message: expect.stringContaining('not a regular file'),
    });
  });

  test('because the program does not exist is told with its name', async () => {
    const error = await failure({ kind: 'command', argv: ['mailferry-no-such-program', 'hunter2'] });
    expect(error.message).toBe('the secret command "mailferry-no-such-program" was not found');
  });

  test('because the command fails is told with its exit code and what it said', async () => {
    const error = await failure(script("console.error('vault is\\u001b[31m sealed'); process.exit(7)"));
    expect(error).toMatchObject({ code: 'secret-missing' });
    expect(error.message).toBe(
      `the secret command ${JSON.stringify(NODE)} ended with exit code 7; it said vault is [31m sealed`,
    );
  });

  test('because the command is killed is told with the signal', async () => {
    const error = await failure(script("process.kill(process.pid, 'SIGTERM')"));
    expect(error.message).toContain('was ended by SIGTERM');
  });

  test('because the command takes too long is told after the time limit', async () => {
    const source = script('setInterval(() => {}, 1000)');
    const error = await resolveSecret(source, { timeoutMs: 50, signal: never }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'secret-missing', message: expect.stringContaining('within 50 ms') });
  });
});

describe('what a failing command gave away', () => {
  test('on standard output is taken out of what it said', async () => {
    const error = await failure(
      script("console.log('hunter2'); console.error('cannot store hunter2'); process.exitCode = 1"),
    );
    expect(error.message).toContain('cannot store [secret]');
    expect(JSON.stringify(error) + error.message + String(error.cause)).not.toContain('hunter2');
  });

  test('in its arguments is not shown', async () => {
    const error = await failure({ kind: 'command', argv: [NODE, '-e', 'process.exit(1)', 'hunter2'] });
    expect(`${error.stack} ${error.hint} ${String(error.cause)}`).not.toContain('hunter2');
  });

  test('without end is cut to its tail', async () => {
    const error = await failure(
      script("process.stderr.write('x'.repeat(9000) + 'the end'); process.exitCode = 1"),
    );
    expect(error.message.length).toBeLessThan(700);
    expect(error.message).toMatch(/…x+the end$/);
  });
});

describe('a secret file that others can read', () => {
  test.each([0o640, 0o604, 0o660])('(mode %i) is used and warned of', async (mode) => {
    const folder = await tempFolder();
    const path = await folder.write('secret', 'hunter2', mode);
    const { warnings } = await resolve({ kind: 'file', path });
    expect(warnings).toEqual([expect.stringContaining(`"${path}" has mode 0${mode.toString(8)}`)]);
    expect(warnings.join()).not.toContain('hunter2');
  });

  test('is not meant when it is private', async () => {
    const folder = await tempFolder();
    const path = await folder.write('secret', 'x', 0o400);
    expect((await resolve({ kind: 'file', path })).warnings).toEqual([]);
  });
});

test('an interrupted run asks for no secret, and stops a command that is at work', async () => {
  const reason = new Error('interrupted');
  const done = AbortSignal.abort(reason);
  await expect(resolveSecret(prints('x'), { timeoutMs: 1000, signal: done })).rejects.toBe(reason);

  const controller = new AbortController();
  const pending = resolveSecret(script('setInterval(() => {}, 1000)'), {
    timeoutMs: 20_000,
    signal: controller.signal,
  });
  controller.abort(reason);
  await expect(pending).rejects.toBe(reason);
});
