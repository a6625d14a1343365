/**
 * A line end or a NUL in any field that says who logs in, and by what, from wherever the field comes: it would begin a second command.
 * The job is refused, and nothing is sent to anybody.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Attacker, startAttacker } from '../pop3/support/attacker.ts';
import { JobFolder } from '../support/job-folder.ts';

const ENDS = { CR: '\r', LF: '\n', 'CR LF and a command': '\r\nDELE 1\r\n', NUL: '\0' } as const;

let folder: JobFolder;
/** In the place of everybody who could be asked: server, proxy, provider of tokens. */
let anybody: Attacker;

beforeEach(async () => {
  folder = new JobFolder();
  anybody = await startAttacker(() => undefined);
});

afterEach(() => folder[Symbol.asyncDispose]());

/** An account that has the octets in one of its fields; files and variables where it needs them. */
type Field = (bad: string) => { readonly account?: object; readonly env?: Record<string, string> };

const inFile = (name: string, text: string): string => {
  folder.write(name, text);
  return `./${name}`;
};
const oauth = (keys: object) => ({
  account: {
    password: {
      oauth: {
        tokenEndpoint: `http://127.0.0.1:${anybody.port}/token`,
        clientId: 'mailferry',
        refreshToken: { env: 'GOOD' },
        ...keys,
      },
    },
  },
  env: { GOOD: 'refresh' },
});
const proxy = (keys: object, env = {}) => ({
  account: {
    proxy: { url: `socks5://127.0.0.1:${anybody.port}`, user: 'carrier', password: { env: 'GOOD' }, ...keys },
  },
  env: { GOOD: 'x', ...env },
});

const FIELDS: Readonly<Record<string, Field>> = {
  user: (bad) => ({ account: { user: `al${bad}ice` } }),
  'user in a POP URL': (bad) => ({
    account: {
      user: undefined,
      host: `pop://al${encodeURIComponent(bad)}ice@127.0.0.1:${anybody.port}`,
      port: undefined,
    },
  }),
  'AUTH in a POP URL': (bad) => ({
    account: {
      user: undefined,
      host: `pop://alice;AUTH=PLAIN${encodeURIComponent(bad)}@127.0.0.1:${anybody.port}`,
      port: undefined,
    },
  }),
  'host in a POP URL': (bad) => ({
    account: { host: `pop://127.0.0.1${encodeURIComponent(bad)}:${anybody.port}`, port: undefined },
  }),
  authorizationId: (bad) => ({ account: { authorizationId: `bo${bad}b` } }),
  'password as a text': (bad) => ({ account: { password: `anchor${bad}age` } }),
  'password.file': (bad) => ({ account: { password: { file: inFile('password.txt', `anchor${bad}age`) } } }),
  'password.command': (bad) => ({
    account: {
      password: { command: ['cat', `${folder.path}/${inFile('password.txt', `anchor${bad}age\n`)}`] },
    },
  }),
  'password.credential': (bad) => {
    inFile('mail', `anchor${bad}age`);
    return { account: { password: { credential: 'mail' } }, env: { CREDENTIALS_DIRECTORY: folder.path } };
  },
  'clientId of OAuth': (bad) => oauth({ clientId: `mail${bad}ferry` }),
  'scope of OAuth': (bad) => oauth({ scope: `pop${bad}3` }),
  'clientSecret of OAuth': (bad) =>
    oauth({ clientSecret: { file: inFile('client.txt', `anchor${bad}age`) } }),
  'refreshToken of OAuth': (bad) => oauth({ refreshToken: { file: inFile('refresh.txt', `re${bad}fresh`) } }),
  'refresh token in the store of OAuth': (bad) => oauth({ store: inFile('store.txt', `re${bad}fresh\n`) }),
  'user of the proxy': (bad) => proxy({ user: `car${bad}rier` }),
  'password of the proxy': (bad) => proxy({ password: { file: inFile('proxy.txt', `moor${bad}ing`) } }),
  'user in the URL of the proxy': (bad) => ({
    account: { proxy: `socks5://car${encodeURIComponent(bad)}rier@127.0.0.1:${anybody.port}` },
  }),
  'host of the proxy': (bad) => ({ account: { proxy: `socks5://127.0.0.1${bad}:${anybody.port}` } }),
  'ALL_PROXY, its user': (bad) => ({
    account: { host: 'pop.example.net' },
    env: { ALL_PROXY: `socks5://car${encodeURIComponent(bad)}rier:x@127.0.0.1:${anybody.port}` },
  }),
  'ALL_PROXY, its password': (bad) => ({
    account: { host: 'pop.example.net' },
    env: { ALL_PROXY: `http://carrier:x${encodeURIComponent(bad)}@127.0.0.1:${anybody.port}` },
  }),
  host: (bad) => ({ account: { host: `127.0.0.1${bad}` } }),
  'tls.serverName': (bad) => ({
    account: { security: 'starttls', tls: { serverName: `pop${bad}.example.net` } },
  }),
};

describe.each(Object.entries(ENDS))('%s', (_, bad) => {
  it.each(Object.entries(FIELDS))('in %s: nothing is sent, to nobody', async (_name, field) => {
    const { account, env = {} } = field(bad);
    const job = folder.writeJob(anybody.port, { accounts: [{ id: 'alice', user: 'alice', ...account }] });
    await expectRefused(job, env);
  });

  it('in a CSV file, in each column: nothing is sent, to nobody', async () => {
    for (const column of ['user', 'authorizationId', 'host'] as const) {
      const good = { user: 'alice', authorizationId: 'alice', host: '127.0.0.1' };
      const row = { ...good, [column]: `${good[column]}${bad}x` };
      folder.write(
        'accounts.csv',
        `id,user,authorizationId,host\na,"${row.user}","${row.authorizationId}","${row.host}"\n`,
      );
      await expectRefused(folder.writeJob(anybody.port, { accounts: [{ from: './accounts.csv' }] }));
    }
  });

  it('in a netrc file, which has an escape for it: nothing is sent, to nobody', async () => {
    const escaped = JSON.stringify(`anchor${bad}age`).replace('\\u0000', '\0');
    folder.write('netrc', `machine 127.0.0.1 login alice password ${escaped}\n`);
    const accounts = [{ id: 'alice', user: 'alice', password: { netrc: './netrc' } }];
    await expectRefused(folder.writeJob(anybody.port, { accounts }));
  });

  it('in the environment, where it can stand: nothing is sent, to nobody', async () => {
    await expectRefused(folder.writeJob(anybody.port, { accounts: ['alice'] }), {
      MAIL_PASSWORD: `anchor${bad}age`,
    });
  });
});

async function expectRefused(job: string, env: Record<string, string> = {}): Promise<void> {
  const ended = await folder
    .runHere(['run', job], env)
    .catch((cause: unknown) => ({ code: 2, stdout: '', stderr: String(cause) }));
  expect({ code: ended.code, connections: anybody.connections(), heard: anybody.heard() }).toEqual({
    code: 2,
    connections: 0,
    heard: '',
  });
  expect(ended.stdout + ended.stderr).not.toMatch(/anchor|mooring/);
}
