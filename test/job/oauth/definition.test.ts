import { expect, it, test } from 'vitest';
import { loadJob } from '../../../src/job/load-job.ts';
import { JobError } from '../../../src/job/problems.ts';
import { tempFolder } from '../temp-folder.ts';

async function load(oauth: object, account: object = {}) {
  const folder = await tempFolder();
  const accounts = [{ host: 'h.example', user: 'a/b', password: { oauth }, ...account }];
  const text = JSON.stringify({ name: 'x', accounts, sinks: [{ maildir: 'a/{account}' }] });
  try {
    const job = await loadJob(await folder.write('job.json', text));
    const [password] = job.accounts.map((each) => each.password);
    return JSON.parse(JSON.stringify(password).replaceAll(folder.path, ''));
  } catch (thrown) {
    if (!(thrown instanceof JobError)) {
      throw thrown;
    }
    return thrown.problems.map(({ path, text: problem }) => `${path} ${problem}`);
  }
}

it('a provider fills in its addresses, its tenant and its scope', async () => {
  const microsoft = { provider: 'microsoft', clientId: 'id', deviceCode: true, store: './t/{user}' };
  expect(await load(microsoft)).toMatchObject({
    kind: 'oauth',
    oauth: {
      tokenEndpoint: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
      deviceEndpoint: 'https://login.microsoftonline.com/common/oauth2/v2.0/devicecode',
      scope: 'https://outlook.office.com/POP.AccessAsUser.All offline_access',
      grant: 'refreshToken',
      storePath: expect.stringMatching(/^\/t\/[^/]+$/),
    },
  });
  const client = { provider: 'microsoft', tenant: 'example.org', clientId: 'id', clientCredentials: true };
  expect(await load(client)).toMatchObject({
    oauth: {
      tokenEndpoint: 'https://login.microsoftonline.com/example.org/oauth2/v2.0/token',
      scope: 'https://outlook.office365.com/.default',
      grant: 'clientCredentials',
    },
  });
  const google = { provider: 'google', clientId: 'id', refreshToken: { env: 'T' }, scope: 'mine' };
  expect(await load(google)).toMatchObject({
    oauth: { tokenEndpoint: 'https://oauth2.googleapis.com/token', scope: 'mine' },
  });
});

const own = { tokenEndpoint: 'https://h/token', clientId: 'id', refreshToken: { env: 'T' } };

test.each([
  [{ clientId: 'id', refreshToken: { env: 'T' } }, {}, /expected provider or tokenEndpoint/],
  [{ ...own, tokenEndpoint: 'http://h/token' }, {}, /expected an https address/],
  [{ ...own, deviceCode: true }, {}, /exactly one of refreshToken, deviceCode, clientCredentials/],
  [{ tokenEndpoint: 'https://h/t', clientId: 'id' }, {}, /exactly one of refreshToken/],
  [{ provider: 'google', clientId: 'id', deviceCode: true }, {}, /expected store with deviceCode/],
  [
    { tokenEndpoint: 'https://h/t', clientId: 'id', deviceCode: true, store: 's' },
    {},
    /deviceEndpoint with deviceCode/,
  ],
  [
    { ...own, store: './{nobody}' },
    {},
    /^accounts\[0\]\.password\.oauth\.store unknown placeholder \{nobody\}/,
  ],
  [own, { auth: 'plain' }, /^accounts\[0\]\.auth auth: plain takes no access token/],
])('%j with %j is refused', async (oauth, account, problem) => {
  expect(await load(oauth, account)).toEqual([expect.stringMatching(problem)]);
});
