import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import { loadJob } from '../../src/job/load-job.ts';
import { JobError } from '../../src/job/problems.ts';
import { type TempFolder, tempFolder } from './temp-folder.ts';

const MINIMAL = `name: nightly
accounts:
  - { host: pop.example.net, user: alice, password: { env: PW } }
sinks:
  - maildir: ./archive/{account}
`;

async function load(text: string, folder?: TempFolder): Promise<Job> {
  return loadJob(await (folder ?? (await tempFolder())).write('job.yaml', text));
}

/** `line path text` of each problem. */
async function problemsOf(text: string, folder?: TempFolder): Promise<string[]> {
  const error = await load(text, folder).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(JobError);
  // Just checked; the assertion does not narrow the type.
  return (error as JobError).problems.map(({ line, path, text: told }) => `${line} ${path} ${told}`);
}

describe('a job', () => {
  test('with `delete` is read back, and its rules have their units', async () => {
    const folder = await tempFolder();
    const text = `${MINIMAL}delete: { age: 7d, max: 500, maxPercent: 50 }\nkeep: { newest: 10, for: 1d, below: 1MB }\n`;
    expect(await load(text, folder)).toMatchObject({
      isReadingBack: true,
      deletion: {
        ageMs: 7 * 86_400_000,
        max: 500,
        maxPercent: 50,
        keepNewest: 10,
        keepForMs: 86_400_000,
        keepBelowOctets: 1_000_000,
      },
    });
    expect(await load(`${MINIMAL}delete: {}\n`, folder)).toMatchObject({
      deletion: { ageMs: 0, max: undefined },
    });
  });

  test('of three keys is whole, with the default of everything else', async () => {
    const folder = await tempFolder();
    expect(await load(MINIMAL, folder)).toEqual({
      name: 'nightly',
      file: join(folder.path, 'job.yaml'),
      statePath: join(folder.path, '.mailferry/nightly'),
      accounts: [
        {
          id: 'alice@pop.example.net',
          host: 'pop.example.net',
          port: 995,
          security: 'tls',
          user: 'alice',
          password: { kind: 'env', name: 'PW' },
          auth: 'AUTO',
          drain: 'auto',
          tls: { caPath: undefined, fingerprints: [], serverName: undefined },
        },
      ],
      sinks: [
        {
          kind: 'maildir',
          name: 'maildir:./archive/{account}',
          path: { text: join(folder.path, 'archive/{account}') },
        },
      ],
      select: {
        olderThanMs: undefined,
        newerThanMs: undefined,
        largerThanOctets: undefined,
        smallerThanOctets: undefined,
      },
      isReadingBack: false,
      deletion: undefined,
      limits: {
        accounts: 8,
        perHost: 4,
        pipeline: 512,
        timeoutMs: 60_000,
        patienceMs: 60_000,
        connectTimeoutMs: 30_000,
        greetingTimeoutMs: 60_000,
        loginTimeoutMs: 300_000,
        firstOctetTimeoutMs: 300_000,
        sessionTimeoutMs: undefined,
        attempts: 3,
        partOctets: 262_144,
        memoryOctets: 67_108_864,
      },
      warnings: [],
    });
  });

  test('in JSON is the same job', async () => {
    const folder = await tempFolder();
    const data = {
      $schema: '../schema/job.schema.json',
      name: 'nightly',
      accounts: [{ host: 'pop.example.net', user: 'alice', password: { env: 'PW' } }],
      sinks: [{ maildir: './archive/{account}' }],
    };
    const json = await loadJob(await folder.write('job.json', JSON.stringify(data, null, '\t')));
    expect({ ...json, file: '' }).toEqual({ ...(await load(MINIMAL, folder)), file: '' });
  });

  test('takes paths relative to its own folder, and absolute ones as they are', async () => {
    const folder = await tempFolder();
    const job = await load(
      `name: x
state: ../state
accounts:
  - { host: h, user: a, password: { file: ./pw }, tls: { ca: ca.pem } }
  - { host: h, user: b, password: { file: /etc/pw } }
  - { host: h, user: c, password: { command: [./bin/secret, ./x] } }
  - { host: h, user: d, password: { command: [pass, ./x] } }
sinks:
  - mbox: /var/mail/{account}
  - maildir: a/../b/{account}/
`,
      folder,
    );
    expect(job.statePath).toBe(join(folder.path, '../state'));
    expect(job.accounts.map(({ password }) => password)).toEqual([
      { kind: 'file', path: join(folder.path, 'pw') },
      { kind: 'file', path: '/etc/pw' },
      { kind: 'command', argv: [join(folder.path, 'bin/secret'), './x'] },
      { kind: 'command', argv: ['pass', './x'] },
    ]);
    expect(job.accounts[0]?.tls.caPath).toBe(join(folder.path, 'ca.pem'));
    expect(job.sinks.map((sink) => [sink.name, sink.kind === 's3' ? '' : sink.path.text])).toEqual([
      ['mbox:/var/mail/{account}', '/var/mail/{account}'],
      ['maildir:a/../b/{account}/', join(folder.path, 'b/{account}')],
    ]);
  });

  test('may lie in a folder whose name holds braces', async () => {
    const folder = await tempFolder();
    const job = await loadJob(await folder.write('a{account}b/job.yaml', MINIMAL));
    const [sink] = job.sinks;
    expect(sink?.kind === 'maildir' && sink.path.text).toBe(
      join(folder.path, 'a{{account}}b/archive/{account}'),
    );
  });

  test('takes the port from the security, unless it has one', async () => {
    const account = (keys: string) => `  - { host: h, password: { env: X }, ${keys} }\n`;
    const accounts = [
      'user: a',
      'user: b, security: starttls',
      'user: c, security: starttls, port: 2110',
    ].map(account);
    const job = await load(`name: x\naccounts:\n${accounts.join('')}sinks: [{ maildir: a }]\n`);
    expect(job.accounts.map(({ port }) => port)).toEqual([995, 110, 2110]);
  });
});

describe('defaults', () => {
  const text = `name: x
defaults:
  host: pop.example.net
  security: starttls
  auth: apop
  password: { command: [master-password] }
  tls: { ca: ca.pem, serverName: a.example.net }
accounts:
  - from: accounts.csv
  - { user: bob, host: other.example.net, auth: plain, tls: { serverName: b.example.net } }
sinks: [{ maildir: 'a/{account}' }]
`;

  test('apply to inline accounts and to rows of a CSV file, key by key in tls', async () => {
    const folder = await tempFolder();
    await folder.write(
      'accounts.csv',
      'user,security,password_env,tls_ca\nalice,,PW,\ncarol,tls,,other.pem\n',
    );
    const [alice, carol, bob] = (await load(text, folder)).accounts;
    expect(alice).toMatchObject({
      id: 'alice@pop.example.net',
      security: 'starttls',
      port: 110,
      auth: 'APOP',
      password: { kind: 'env', name: 'PW' },
      tls: { caPath: join(folder.path, 'ca.pem'), serverName: 'a.example.net' },
    });
    expect(carol).toMatchObject({
      security: 'tls',
      port: 995,
      password: { kind: 'command', argv: ['master-password'] },
      tls: { caPath: join(folder.path, 'other.pem'), serverName: 'a.example.net' },
    });
    expect(bob).toMatchObject({
      id: 'bob@other.example.net',
      auth: 'PLAIN',
      tls: { caPath: join(folder.path, 'ca.pem'), serverName: 'b.example.net' },
    });
  });
});

describe('accounts from a CSV file', () => {
  const text = 'name: x\naccounts:\n  - from: lists/accounts.csv\nsinks: [{ mbox: "a/{account}" }]\n';

  test('are accounts like any other; their paths are relative to the job file', async () => {
    const folder = await tempFolder();
    await folder.write('lists/accounts.csv', 'id,host,user,password_file\na,pop.example.net,alice,pw\n');
    expect((await load(text, folder)).accounts).toMatchObject([
      { id: 'a', password: { kind: 'file', path: join(folder.path, 'pw') } },
    ]);
  });

  test('that are wrong are told with the CSV file, its line and the column', async () => {
    const folder = await tempFolder();
    const csv = await folder.write(
      'lists/accounts.csv',
      'host,user,port,password_env\npop.example.net,alice,99999,A\n\npop.example.net,,995,\na b,bob,995,B\nx,y\n',
    );
    const error = await load(text, folder).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      problems: [
        { file: csv, line: 2, path: 'port', text: expect.stringContaining('came 99999') },
        { file: csv, line: 4, path: 'password', text: expect.stringContaining('is missing') },
        { file: csv, line: 4, path: 'user', text: expect.stringContaining('is missing') },
        { file: csv, line: 5, path: 'host', text: expect.stringContaining('came "a b"') },
        { file: csv, line: 6, path: '', text: expect.stringContaining('expected 4 cells') },
      ],
    });
  });

  test('that cannot be read are a problem of the line that names the file', async () => {
    expect(await problemsOf(text)).toEqual([
      expect.stringMatching(/^3 accounts\[0\]\.from .*does not exist$/),
    ]);
  });

  test('never show a plain password in a problem', async () => {
    const folder = await tempFolder();
    await folder.write(
      'lists/accounts.csv',
      `host,user,password\nh,alice,"hunter2\n"\nh,bob,${'hunter2'.repeat(700)}\n`,
    );
    const problems = await problemsOf(text, folder);
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('hunter2');
  });

  test('may be ten thousand', async () => {
    const folder = await tempFolder();
    const rows = Array.from({ length: 10_000 }, (_, index) => `user${index}@example.net,PW_${index}`).join(
      '\n',
    );
    await folder.write('lists/accounts.csv', `user,password_env\n${rows}\n`);
    const job = await load(`${text}defaults: { host: pop.example.net }\n`, folder);
    expect(job.accounts).toHaveLength(10_000);
    expect(job.accounts.at(-1)?.id).toBe('user9999@example.net@pop.example.net');
  });
});

describe('problems', () => {
  test('of shape and of rules are told at once, from top to bottom', async () => {
    expect(
      await problemsOf(`name: .x
accounts:
  - hots: pop.example.net
    user: alice
    password: { env: PW }
  - { host: h, user: bob, password: { env: PW }, port: 0 }
  - { host: h, user: carol }
sinks:
  - maildir: a/{acount}
  - s3: { bucket: b-1, key: 'x/{sha256}' }
select: { olderThan: 30d, newerThan: 7d }
delete: { after: archived }
limits: { timeout: 60 }
`),
    ).toEqual([
      expect.stringMatching(/^1 name expected a name/),
      '3 accounts[0].hots unknown key "hots"; did you mean "host"?',
      '6 accounts[1].port expected a whole number from 1 to 65535; came 0 (a number)',
      '7 accounts[2].password password is missing; expected it for every account, here or in defaults',
      expect.stringMatching(/^9 sinks\[0\]\.maildir unknown placeholder \{acount\}/),
      expect.stringMatching(/^10 sinks\[1\]\.s3 expected \{accountKey\} or \{account\} in the key/),
      expect.stringMatching(/^11 select\.newerThan no message is both/),
      expect.stringMatching(/^12 delete\.after expected "verified"/),
      expect.stringMatching(/^13 limits\.timeout expected a duration with its unit.*came 60 \(a number\)$/),
    ]);
  });

  test.each([
    ['delete: {}\nverify: none', '7 verify "none" contradicts `delete`; expected "readback", or no `delete`'],
    [
      'keep: { newest: 5 }',
      '6 keep `keep` without `delete`: nothing is ever deleted; remove it, or add `delete`',
    ],
    [
      'delete: { maxPercent: 101 }',
      '6 delete.maxPercent expected a number from 0 to 100; came 101 (a number)',
    ],
  ])('tell what is wrong with the deletion %j', async (lines, problem) => {
    expect(await problemsOf(`${MINIMAL}${lines}\n`)).toEqual([problem]);
  });

  test('tell that a mechanism is to come', async () => {
    const text = MINIMAL.replace('user: alice', 'auth: ntlm, user: alice');
    expect(await problemsOf(text)).toEqual([
      expect.stringContaining('this version does not have the mechanism "ntlm" yet'),
    ]);
  });

  test('tell what is missing from a job that is nearly empty', async () => {
    expect(await problemsOf('')).toEqual(['1  expected a map with name, accounts and sinks; came nothing']);
    expect(await problemsOf('[]')).toEqual([
      '1  expected a map with name, accounts and sinks; came an empty list',
    ]);
    expect(await problemsOf('name: x\naccounts: []\n')).toEqual([
      '1 sinks expected a list with at least one sink; came nothing',
      '2 accounts expected a list with at least one account; came an empty list',
    ]);
  });

  test('tell that a number which was meant as a text wants quotes', async () => {
    expect(await problemsOf(MINIMAL.replace('user: alice', 'user: 007'))).toEqual([
      '3 accounts[0].user expected a text; came 7 (a number); put it in quotes',
    ]);
  });

  test.each([
    'password: 31337',
    'password: [31337]',
    'password: { 31337 }',
    'password: { plain: 31337 }',
    'password: { env: 31337 }',
    'password: { command: [31337, [31337]] }',
    'password: "31337\\n"',
  ])('never show a password (%s)', async (password) => {
    const problems = await problemsOf(MINIMAL.replace('password: { env: PW }', password));
    expect(problems).not.toEqual([]);
    expect(problems.join()).not.toContain('31337');
  });

  test('of syntax come with their lines', async () => {
    expect(await problemsOf('name: x\nname: y\naccounts: !foo []\n')).toEqual([
      expect.stringMatching(/^2 {2}this key is there already/),
      expect.stringMatching(/^3 {2}a tag/),
    ]);
  });

  test('of the file itself come without a line', async () => {
    const { path } = await tempFolder();
    const error = await loadJob(join(path, 'nope.yaml')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'job-invalid',
      message: expect.stringContaining('nope.yaml: the job file does not exist'),
    });
    expect(await problemsOf(`#${'x'.repeat(16 * 1024 * 1024)}`)).toEqual([
      expect.stringContaining('the job file is larger than 16777216 octets'),
    ]);
  });

  test('of one list item do not hide those of the next', async () => {
    expect(await problemsOf('name: x\naccounts: [1, {}]\nsinks: [2, {}]\n')).toEqual([
      expect.stringMatching(/^2 accounts\[0\] expected a map/),
      expect.stringMatching(/^2 accounts\[1\]\.host host is missing/),
      expect.stringMatching(/^2 accounts\[1\]\.password password is missing/),
      expect.stringMatching(/^2 accounts\[1\]\.user user is missing/),
      expect.stringMatching(/^3 sinks\[0\] expected a map/),
      expect.stringMatching(/^3 sinks\[1\] expected exactly one of maildir, mbox/),
    ]);
  });

  test('tell that `from` stands alone', async () => {
    expect(
      await problemsOf('name: x\naccounts: [{ from: a.csv, user: b }]\nsinks: [{ maildir: a }]\n'),
    ).toEqual([expect.stringContaining('expected either `from` alone')]);
  });
});
