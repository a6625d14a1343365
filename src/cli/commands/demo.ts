/**
 * `mailferry demo`: the quick start. An embedded server with sample mail, a job definition written for it as a user
 * would write one, and two runs: the first archives everything, the second finds nothing new.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DemoServer, type DemoUser } from '../../demo/demo-server.ts';
import { sampleUsers } from '../../demo/sample-mail.ts';
import { EXIT, type ExitCode, worstExitCode } from '../exit-code.ts';
import { watchInterrupt } from '../interrupt.ts';
import type { CliIo } from '../io.ts';
import type { DemoOptions } from '../options.ts';
import { run } from './run.ts';

export async function demo(options: DemoOptions, io: CliIo, version: string): Promise<ExitCode> {
  const users = sampleUsers();
  const server = await DemoServer.start({ users, security: ['starttls', 'tls'] });
  try {
    return options.serve === true
      ? await serve(server, users, io)
      : await archiveTwice(server, users, options, io, version);
  } finally {
    await server.close();
  }
}

async function archiveTwice(
  server: DemoServer,
  users: readonly DemoUser[],
  options: DemoOptions,
  io: CliIo,
  version: string,
): Promise<ExitCode> {
  const folder = await chooseFolder(options);
  const job = await writeJob(server, users, folder);
  const env = { ...io.env, ...passwordsOf(users) };
  const tell = (text: string): void => {
    if (options.quiet !== true && options.json !== true) {
      io.stdout.write(`${text}\n`);
    }
  };
  tell(`An embedded POP3 server holds ${users.length} mailboxes of sample mail.`);
  tell(`The job is ${job}\n\nFirst run: everything is new.`);
  const first = await run([job], options, { ...io, env }, version);
  tell('\nSecond run: everything is known, nothing is fetched.');
  const second = await run([job], options, { ...io, env }, version);
  tell(`\nThe archive is in ${folder}: Maildir folders and mbox files, one per account.`);
  return worstExitCode([EXIT.done, first, second]);
}

async function serve(
  server: DemoServer,
  users: readonly DemoUser[],
  { stdout, stderr }: CliIo,
): Promise<ExitCode> {
  const interrupt = watchInterrupt((text) => stderr.write(`${text}\n`));
  stdout.write(`pop://127.0.0.1:${server.port} (STARTTLS offered) and pops://127.0.0.1:${server.tlsPort}\n`);
  for (const { name, password } of users) {
    stdout.write(`user ${name}, password ${password}\n`);
  }
  stdout.write('Ctrl-C ends it.\n');
  await once(interrupt.stopSignal, 'abort');
  interrupt.release();
  return EXIT.done;
}

async function chooseFolder({ folder }: DemoOptions): Promise<string> {
  if (folder === undefined) {
    return mkdtemp(join(tmpdir(), 'mailferry-demo-'));
  }
  await mkdir(folder, { recursive: true });
  return resolve(folder);
}

async function writeJob(server: DemoServer, users: readonly DemoUser[], folder: string): Promise<string> {
  const file = join(folder, 'demo.yaml');
  await writeFile(join(folder, 'authority.pem'), server.authorityPem);
  const accounts = users.map(({ name }) =>
    [`  - id: ${name}`, `    user: ${name}`, `    password: { env: ${variableOf(name)} }`].join('\n'),
  );
  const lines = [
    '# The job of `mailferry demo`. The server is gone when the demo ends; the archive stays.',
    'name: demo',
    'state: ./state',
    `defaults: { host: 127.0.0.1, port: ${server.tlsPort}, security: tls, tls: { ca: ./authority.pem } }`,
    'accounts:',
    ...accounts,
    'sinks:',
    '  - maildir: ./archive/{account}',
    '  - mbox: ./archive/{account}.mbox',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

function variableOf(user: string): string {
  return `DEMO_PASSWORD_${user.toUpperCase()}`;
}

function passwordsOf(users: readonly DemoUser[]): Record<string, string> {
  return Object.fromEntries(users.map(({ name, password }) => [variableOf(name), password]));
}
