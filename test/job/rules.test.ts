import { describe, expect, test } from 'vitest';
import { loadJob } from '../../src/job/load-job.ts';
import { JobError } from '../../src/job/problems.ts';
import { tempFolder } from './temp-folder.ts';

interface Parts {
  readonly accounts?: readonly unknown[];
  readonly csv?: string;
  readonly sinks?: readonly unknown[];
  readonly rest?: Readonly<Record<string, unknown>>;
}

const account = (keys: object = {}) => ({
  host: 'pop.example.net',
  user: 'alice',
  password: { env: 'PW' },
  ...keys,
});

/** Loads a job of these parts; gives what is wrong with it, or what it warns of, each as `path text`. */
async function check({
  accounts = [account()],
  csv,
  sinks = [{ maildir: 'a/{account}' }],
  rest = {},
}: Parts) {
  const folder = await tempFolder();
  await folder.write('a.csv', csv ?? '');
  const all = csv === undefined ? accounts : [{ from: 'a.csv' }];
  const file = await folder.write('job.json', JSON.stringify({ name: 'x', accounts: all, sinks, ...rest }));
  const told = (problems: readonly { path: string; text: string }[]) =>
    problems.map(({ path, text }) => `${path} ${text}`.replaceAll(folder.path, ''));
  try {
    return { problems: [], warnings: told((await loadJob(file)).warnings) };
  } catch (thrown) {
    if (!(thrown instanceof JobError)) {
      throw thrown;
    }
    return { problems: told(thrown.problems), warnings: [] };
  }
}

const well = { problems: [], warnings: [] };

describe('account ids', () => {
  test('that are equal are refused, with where the first one is', async () => {
    const { problems } = await check({
      accounts: [account({ id: 'a' }), account({ id: 'b' }), account({ id: 'a' })],
    });
    expect(problems).toEqual([
      expect.stringMatching(/^accounts\[2\]\.id the account id "a" is taken by .*job\.json:1/),
    ]);
  });

  test('that follow from one user at one host on two ports are refused, with what to do', async () => {
    const { problems } = await check({
      accounts: [account(), account({ port: 1995, host: 'POP.example.net' })],
    });
    expect(problems).toEqual([
      expect.stringContaining('without an id it is user@host: give one of them an id'),
    ]);
  });

  test('keep user@host where the user is an address', async () => {
    const mbox = [{ mbox: '{account}' }];
    expect(
      await check({
        accounts: [account({ user: 'a@b' }), account({ id: 'a@b@pop.example.net' })],
        sinks: mbox,
      }),
    ).toEqual({
      problems: [expect.stringContaining('"a@b@pop.example.net" is taken')],
      warnings: [],
    });
  });

  test('of a CSV file and of the job file may not be equal either', async () => {
    const { problems } = await check({ csv: 'id,host,user,password_env\na,h,u,P\nb,h,v,P\na,h,w,P\n' });
    expect(problems).toEqual([expect.stringMatching(/^id the account id "a" is taken by \/a\.csv:2/)]);
  });
});

describe('credentials', () => {
  test.each(['a\rb', 'a\nb', 'a\u0000b'])('with %j are refused', async (text) => {
    expect((await check({ accounts: [account({ user: text, id: 'a' })] })).problems).toHaveLength(1);
    expect((await check({ accounts: [account({ password: text })] })).problems).toHaveLength(1);
    expect(
      (await check({ accounts: [{ host: 'h', user: 'u' }], rest: { defaults: { password: text } } }))
        .problems,
    ).toEqual(['defaults.password expected a password without line end or NUL; POP3 cannot carry these']);
  });

  test('may be other than ASCII', async () => {
    expect(await check({ accounts: [account({ user: 'jürgen' })] })).toEqual(well);
  });

  test('may not be an empty password', async () => {
    expect((await check({ accounts: [account({ password: '' })] })).problems).toEqual([
      'accounts[0].password expected a password; came an empty text',
    ]);
  });
});

describe('the selection', () => {
  test.each([
    { olderThan: '30d', newerThan: '30d' },
    { olderThan: '2w', newerThan: '7d' },
    { largerThan: '10MB', smallerThan: '10MB' },
    { largerThan: '1MiB', smallerThan: '1MB' },
    { largerThan: 10, smallerThan: 11 },
  ])('%j, which no message meets, is refused', async (select) => {
    expect((await check({ rest: { select } })).problems).toHaveLength(1);
  });

  test.each([{ olderThan: '7d', newerThan: '30d' }, { largerThan: 10, smallerThan: 12 }, { largerThan: 0 }])(
    '%j is right',
    async (select) => {
      expect(await check({ rest: { select } })).toEqual(well);
    },
  );
});

test('tls settings of an account that is plaintext are refused', async () => {
  const accounts = [account({ host: 'localhost', security: 'plaintext', tls: { ca: 'x' } })];
  expect((await check({ accounts })).problems).toEqual([
    expect.stringMatching(/^accounts\[0\]\.tls .*contradict/),
  ]);
});

describe('sinks', () => {
  const two = [account({ id: 'a' }), account({ id: 'b' })];

  test('of one name are refused', async () => {
    const { problems } = await check({ sinks: [{ maildir: 'a/{account}' }, { maildir: 'a/{account}' }] });
    expect(problems).toContainEqual(
      'sinks[1].maildir the sink "maildir:a/{account}" is there twice; expected each sink once',
    );
  });

  test.each([
    ['mbox and mbox', [{ mbox: 'x/{account}' }, { mbox: './x/{account}' }]],
    ['maildir and mbox', [{ maildir: 'x/{account}' }, { mbox: 'x/{account}' }]],
    ['maildir and maildir', [{ maildir: 'x/{account}' }, { maildir: 'x/./{account}' }]],
    ['two templates that meet', [{ mbox: 'x/{account}' }, { mbox: 'x/b' }]],
  ])('on one path are refused: %s', async (_what, sinks) => {
    const accounts = sinks.some((sink) => Object.values(sink).includes('x/b')) ? [account({ id: 'b' })] : two;
    expect((await check({ accounts, sinks })).problems).toEqual([
      expect.stringMatching(/^sinks\[1\]\.\w+ comes to the same path as the \w+ at sinks\[0\]/),
    ]);
  });

  test.each([
    ['an mbox in a Maildir', [{ maildir: 'x/{account}' }, { mbox: 'x/{account}/mbox' }]],
    ['a Maildir in a Maildir', [{ maildir: 'x' }, { maildir: 'x/{account}' }]],
    ['a Maildir below an mbox', [{ maildir: 'x/{account}/cur' }, { mbox: 'x/{account}' }]],
  ])('inside one another are refused: %s', async (_what, sinks) => {
    expect((await check({ accounts: two, sinks })).problems).toEqual([
      expect.stringContaining(' lies inside the '),
    ]);
  });

  test('beside one another are right', async () => {
    const sinks = [
      { maildir: 'x/{account}' },
      { mbox: 'x/{account}.mbox' },
      { mbox: 'y/{domain}/{user}-{account}' },
    ];
    expect(await check({ accounts: two, sinks })).toEqual(well);
  });

  test('that are an mbox may not be shared by accounts', async () => {
    const { problems } = await check({ accounts: two, sinks: [{ mbox: 'all.mbox' }] });
    expect(problems).toEqual([
      'sinks[0].mbox the accounts "a" and "b" come to the same mbox: "/all.mbox"; expected one for each, as with {account} in the path',
    ]);
  });

  test('that are an mbox may not differ for two accounts in case or Unicode form alone', async () => {
    for (const ids of [
      ['Alice', 'alice'],
      ['\u00e9', 'e\u0301'],
    ]) {
      const accounts = ids.map((id) => account({ id }));
      expect((await check({ accounts, sinks: [{ mbox: '{account}' }] })).problems).toEqual([
        expect.stringContaining('come to the same mbox but for case or Unicode form'),
      ]);
    }
  });

  test('that are an mbox may be told apart by any placeholder', async () => {
    const accounts = [account(), account({ user: 'bob' })];
    expect(await check({ accounts, sinks: [{ mbox: '{user}.mbox' }] })).toEqual(well);
    expect((await check({ accounts, sinks: [{ mbox: '{host}.mbox' }] })).problems).toHaveLength(1);
  });

  test('that are a Maildir may be shared by accounts', async () => {
    expect(await check({ accounts: two, sinks: [{ maildir: 'all' }] })).toEqual(well);
  });

  test('shared by ten thousand accounts are one problem', async () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => `h,u${index},P`).join('\n');
    const { problems } = await check({
      csv: `host,user,password_env\n${rows}\n`,
      sinks: [{ mbox: 'all' }, { maildir: 'all' }],
    });
    expect(problems).toHaveLength(2);
  });

  test('whose placeholders come to a name that is too long are refused', async () => {
    const accounts = [account({ id: 'a', user: 'u'.repeat(180), host: `${'h'.repeat(60)}.example.net` })];
    expect((await check({ accounts, sinks: [{ mbox: '{user}-{host}.mbox' }] })).problems).toEqual([
      expect.stringContaining('a part of the path has 258 octets; expected at most 240'),
    ]);
    expect(await check({ accounts, sinks: [{ mbox: '{user}/{host}.mbox' }] })).toEqual(well);
  });

  test.each(['~/mail', '~', '~alice/mail', 'a\u0000b', 'a\nb', '{nope}', '{'])(
    'at %j are refused',
    async (path) => {
      expect((await check({ sinks: [{ maildir: path }] })).problems).toHaveLength(1);
    },
  );
});

describe('the state folder', () => {
  test.each(['a/alice@pop.example.net', 'a/alice@pop.example.net/state', 'A/Alice@pop.example.net/x'])(
    'may not be in a sink: %s',
    async (state) => {
      expect((await check({ rest: { state } })).problems).toEqual([
        expect.stringMatching(/^state the state folder .* maildir /),
      ]);
    },
  );

  test.each(['a', 'a/state', 'state', '.'])('may be beside a sink: %s', async (state) => {
    expect(await check({ rest: { state } })).toEqual(well);
  });
});

describe('warnings', () => {
  test('tell once per file that passwords are in it, and never which', async () => {
    const { warnings } = await check({ csv: 'host,user,password\nh,u,hunter2\nh,v,hunter2\n' });
    expect(warnings).toEqual([
      expect.stringMatching(/^password the passwords of 2 accounts are in the file itself/),
    ]);
    expect((await check({ accounts: [account({ password: 'x' })] })).warnings).toEqual([
      expect.stringMatching(/^accounts\[0\]\.password the password is in the file itself/),
    ]);
    const defaults = { password: 'x' };
    expect((await check({ accounts: [{ host: 'h', user: 'u' }], rest: { defaults } })).warnings).toEqual([
      expect.stringMatching(/^defaults\.password the password is in the file itself/),
    ]);
  });

  test('tell of plaintext over a network, and not on this machine', async () => {
    const plaintext = (host: string) => check({ accounts: [account({ host, security: 'plaintext' })] });
    expect((await plaintext('pop.example.net')).warnings).toEqual([
      expect.stringContaining('over the network in clear'),
    ]);
    const kpop = {
      host: 'pop.example.net',
      port: 1109,
      security: 'plaintext',
      user: 'alice',
      auth: 'gssapi',
    };
    expect((await check({ accounts: [kpop] })).warnings).toEqual([
      expect.stringContaining('all mail goes over the network in clear'),
    ]);
    expect(await plaintext('127.0.0.1')).toEqual(well);
    expect(await plaintext('[::1]')).toEqual(well);
  });

  test('refuse a bandwidth that is too little for so many accounts', async () => {
    expect((await check({ rest: { limits: { accounts: 100, bandwidth: '100kB/s' } } })).problems).toEqual([
      'limits.bandwidth bandwidth is too little for 100 accounts at the same time; expected at least 800kB/s, or fewer accounts',
    ]);
    expect(await check({ rest: { limits: { accounts: 10, bandwidth: '100kB/s' } } })).toEqual(well);
  });

  test('tell of a perHost that has no effect, if it was written', async () => {
    expect((await check({ rest: { limits: { accounts: 2, perHost: 4 } } })).warnings).toEqual([
      'limits.perHost perHost 4 has no effect; expected at most 2, the value of accounts',
    ]);
    expect(await check({ rest: { limits: { accounts: 2 } } })).toEqual(well);
  });
});

describe('client certificates', () => {
  const external = (tls: object) => ({ host: 'pop.example.net', user: 'alice', auth: 'external', tls });

  test.each([
    ['cert and key', { cert: 'a.pem', key: 'a.key' }],
    ['pfx and passphrase', { pfx: 'a.p12', passphrase: { env: 'PW' } }],
  ])('as %s log in without a password', async (_, tls) => {
    expect(await check({ accounts: [external(tls)] })).toEqual(well);
  });

  test('from defaults are filled up key by key', async () => {
    const rest = { defaults: { tls: { cert: 'all.pem' } } };
    expect(await check({ accounts: [external({ key: 'a.key' })], rest })).toEqual(well);
  });

  test.each([
    [{ cert: 'a.pem' }, /cert and key go together/],
    [{ key: 'a.key' }, /cert and key go together/],
    [{ cert: 'a.pem', key: 'a.key', pfx: 'a.p12' }, /pfx holds certificate and key/],
    [{ passphrase: { env: 'PW' } }, /passphrase without key or pfx/],
    [{}, /auth: external needs cert and key, or pfx/],
  ])('%j is refused', async (tls, text) => {
    const { problems } = await check({ accounts: [external(tls)] });
    expect(problems).toContainEqual(expect.stringMatching(text));
  });

  test('a passphrase is not written into the job', async () => {
    const { problems } = await check({ accounts: [external({ pfx: 'a.p12', passphrase: 'x' })] });
    expect(problems).toContainEqual(expect.stringMatching(/passphrase.* expected a map with one of env/));
  });
});

test('a Kerberos ticket needs no password, in no way that an account is written', async () => {
  const ways = [
    { host: 'pop.example.net', user: 'alice', auth: 'gssapi' },
    { host: 'pops://alice;AUTH=GSSAPI@pop.example.net' },
  ];
  for (const keys of ways) expect(await check({ accounts: [keys] })).toEqual(well);
  const { problems } = await check({ accounts: [{ host: 'pop.example.net', user: 'alice' }] });
  expect(problems).toEqual([expect.stringContaining('password is missing')]);
});

describe('authorizationId', () => {
  test.each(['auto', 'plain', 'gssapi', 'scram-sha-256'])('goes with auth: %s', async (auth) => {
    expect(await check({ accounts: [account({ id: 'a', auth, authorizationId: 'a' })] })).toEqual(well);
  });

  test.each(['login', 'apop', 'user-pass', 'cram-md5', 'xoauth2', 'oauthbearer'])(
    'does not go with auth: %s, which cannot carry it',
    async (auth) => {
      const { problems } = await check({ accounts: [account({ auth, authorizationId: 'a' })] });
      expect(problems).toEqual([expect.stringContaining(`authorizationId ${auth} cannot carry it`)]);
    },
  );

  test('holds no line end', async () => {
    const { problems } = await check({ accounts: [account({ authorizationId: 'a\r\nDELE 1' })] });
    expect(problems).toEqual([expect.stringContaining('without line end')]);
  });
});
