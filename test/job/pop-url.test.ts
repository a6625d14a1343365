import { describe, expect, it, test } from 'vitest';
import { loadJob } from '../../src/job/load-job.ts';
import { parsePopUrl } from '../../src/job/pop-url.ts';
import { JobError } from '../../src/job/problems.ts';
import { tempFolder } from './temp-folder.ts';

const nothing = { port: undefined, user: undefined, auth: undefined };

describe('RFC-75: a POP URL', () => {
  test.each([
    ['pop://h.example', { ...nothing, scheme: 'pop', host: 'h.example' }],
    ['POPS://H.example:1995/', { ...nothing, scheme: 'pops', host: 'h.example', port: 1995 }],
    ['pops://[2001:DB8::1]:995', { ...nothing, scheme: 'pops', host: '2001:db8::1', port: 995 }],
    ['pops://bücher.example', { ...nothing, scheme: 'pops', host: 'xn--bcher-kva.example' }],
    ['pop://alice@h', { ...nothing, scheme: 'pop', host: 'h', user: 'alice' }],
    ['pop://a%40b.example@h', { ...nothing, scheme: 'pop', host: 'h', user: 'a@b.example' }],
    [
      'pop://a%3Bb%25%3A;AUTH=plain@h',
      { ...nothing, scheme: 'pop', host: 'h', user: 'a;b%:', auth: 'PLAIN' },
    ],
  ])('%s is read', (text, expected) => {
    expect(parsePopUrl(text)).toEqual(expected);
  });

  test.each([
    'pop:',
    'pop://',
    'pop://:110',
    'imap://h',
    'pop://h:0',
    'pop://h:65536',
    'pop://h:port',
    'pop://h/inbox',
    'pop://h?x',
    'pop://h#x',
    'pop://a@b@h',
    'pop://h h',
    'pop://::1',
  ])('%s is refused', (text) => {
    expect(parsePopUrl(text)).toMatch(/^a POP URL such as/);
  });

  it('with a password is refused, and the password is not repeated', () => {
    expect(parsePopUrl('pop://alice:hunter2@h')).toBe('a POP URL without a password (RFC 2384 §3)');
  });

  test.each(['pop://a;b@h', 'pop://a;AUTH=@h', 'pop://%zz@h', 'pop://a;AUTH=%ff@h'])(
    '%s is refused for its user',
    (text) => {
      expect(parsePopUrl(text)).toMatch(/percent-encoded/);
    },
  );

  test.each([
    ['*', 'AUTO'],
    ['+APOP', 'APOP'],
    ['%2Bapop', 'APOP'],
    ['login', 'LOGIN'],
  ])('RFC-76: ;AUTH=%s asks for %s', (auth, expected) => {
    expect(parsePopUrl(`pop://a;AUTH=${auth}@h`)).toMatchObject({ auth: expected });
  });
});

/** The accounts of a job, or its problems. */
async function load(accounts: readonly object[], defaults: object = {}) {
  const folder = await tempFolder();
  const text = JSON.stringify({ name: 'x', accounts, defaults, sinks: [{ maildir: 'a/{account}' }] });
  try {
    const job = await loadJob(await folder.write('job.json', text));
    return job.accounts.map(({ id, host, port, security, user, auth }) => [
      id,
      host,
      port,
      security,
      user,
      auth,
    ]);
  } catch (thrown) {
    if (!(thrown instanceof JobError)) {
      throw thrown;
    }
    return thrown.problems.map(({ path, text: problem }) => `${path} ${problem}`);
  }
}

const password = { env: 'PW' };

describe('a POP URL in a job', () => {
  it('stands where host stands, and says port, security, user and auth', async () => {
    const accounts = [
      { host: 'pops://alice%40x@h.example', password },
      { host: 'pop://h.example:1110', user: 'bob', password },
      { host: 'pop://carol;AUTH=+APOP@h.example', security: 'plaintext', password },
    ];
    expect(await load(accounts)).toEqual([
      ['alice@x@h.example', 'h.example', 995, 'tls', 'alice@x', 'AUTO'],
      ['bob@h.example', 'h.example', 1110, 'starttls', 'bob', 'AUTO'],
      ['carol@h.example', 'h.example', 110, 'plaintext', 'carol', 'APOP'],
    ]);
  });

  it('goes into the defaults too, and what an account says goes before it', async () => {
    const accounts = [
      { user: 'alice', password },
      { user: 'bob', password, port: 110, security: 'starttls' },
    ];
    expect(await load(accounts, { host: 'pops://h.example:1995' })).toEqual([
      ['alice@h.example', 'h.example', 1995, 'tls', 'alice', 'AUTO'],
      ['bob@h.example', 'h.example', 110, 'starttls', 'bob', 'AUTO'],
    ]);
  });

  it('stands in the column of a CSV file where host does', async () => {
    const folder = await tempFolder();
    await folder.write(
      'accounts.csv',
      'host,password_env\npops://alice%40x@h.example:1995,PW\npop://bob@h.example,PW\n',
    );
    const text = JSON.stringify({
      name: 'x',
      accounts: [{ from: 'accounts.csv' }],
      sinks: [{ maildir: 'a/{account}' }],
    });
    const { accounts } = await loadJob(await folder.write('job.json', text));
    expect(accounts.map(({ user, host, port, security }) => [user, host, port, security])).toEqual([
      ['alice@x', 'h.example', 1995, 'tls'],
      ['bob', 'h.example', 110, 'starttls'],
    ]);
  });

  it('asks for STLS where it says pop, unless a clear line was asked for by name', async () => {
    const accounts = [{ host: 'pop://h.example', user: 'alice', password }];
    const security = async (defaults: object) => (await load(accounts, defaults))[0]?.[3];
    expect(await security({})).toBe('starttls');
    expect(await security({ security: 'tls' })).toBe('starttls');
    expect(await security({ security: 'plaintext' })).toBe('plaintext');
  });

  it('that contradicts a key beside it is refused, each contradiction told', async () => {
    const account = {
      host: 'pops://alice;AUTH=plain@h:995',
      port: 110,
      security: 'plaintext',
      user: 'bob',
      auth: 'login',
    };
    const told = (name: string) =>
      `accounts[0].${name} ${name} contradicts the POP URL in host; expected it in one of the two places`;
    expect(await load([{ ...account, password }])).toEqual(['auth', 'port', 'security', 'user'].map(told));
  });

  it('that is none, or names a mechanism that there is not, is refused with what was expected', async () => {
    expect(await load([{ host: 'pop://h:99999', user: 'a', password }])).toEqual([
      expect.stringMatching(/^accounts\[0\]\.host .*expected a POP URL such as pops:\/\/host/),
    ]);
    expect(await load([{ host: 'pop://a;AUTH=rot13@h', password }])).toEqual([
      expect.stringMatching(/^accounts\[0\]\.host .*expected a POP URL whose mechanism is \* or one of/),
    ]);
  });
});
