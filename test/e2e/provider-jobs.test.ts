/**
 * Every job in docs/providers.md is loaded and planned as it stands, against a demo server with the names of all providers; no
 * octet leaves this machine.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../src/demo/certificate.ts';
import { DemoServer } from '../../src/demo/demo-server.ts';
import type { Job } from '../../src/job/job.ts';
import { loadJob } from '../../src/job/load-job.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, parseEvents } from '../support/job-folder.ts';

/** Password and access token of every account. */
const SECRET = 'ya29.a0-lantern_41';

const TEXT = readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8');
const REDIRECT = new URL('../support/redirect-connections.mjs', import.meta.url).href;
const EXAMPLES = [...TEXT.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']): [string, string] => [
  /^name: (.+)$/m.exec(text)?.[1] ?? '',
  text,
]);

let folder: JobFolder;
let server: DemoServer;
let authorityPem: string;
const jobs = new Map<string, Job>();

beforeAll(async () => {
  folder = new JobFolder();
  for (const [name, text] of EXAMPLES) {
    jobs.set(name, await loadJob(folder.write(`${name}.yaml`, text)));
  }
  const accounts = [...jobs.values()].flatMap((job) => job.accounts);
  const certificate = await makeCertificate([...new Set(accounts.map(({ host }) => host))]);
  authorityPem = certificate.authorityPem;
  mkdirSync(join(folder.path, 'programs'));
  writeFileSync(join(folder.path, 'programs', 'pizauth'), `#!/bin/sh\necho '${SECRET}'\n`, { mode: 0o755 });
  const names = [...new Set(accounts.map(({ user }) => user))];
  const users = names.map((name) => ({ name, password: SECRET, messages: someMessages(2, name) }));
  server = await DemoServer.start({
    users,
    security: ['starttls', 'tls'],
    certificate,
    logins: ['plain', 'xoauth2'],
  });
});

afterAll(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

it('there is an example for each provider', () => {
  expect(EXAMPLES.map(([name]) => name)).toEqual([
    ...['gmail', 'gmail-oauth', 'exchange-online', 'exchange-server', 'gmx', 'yahoo'],
    ...['dovecot', 'courier', 'cyrus', 'mailutils'],
  ]);
});

describe.each(EXAMPLES)('the example %s', (name, text) => {
  it('loads without a warning and is planned', async () => {
    const job = jobs.get(name);
    expect(job?.warnings).toEqual([]);
    const variables = [...text.matchAll(/env: (\w+)/g)].map(([, variable = '']) => [variable, SECRET]);
    const env = {
      NODE_OPTIONS: `--import ${REDIRECT}`,
      PATH: `${join(folder.path, 'programs')}:${process.env['PATH'] ?? ''}`,
      REDIRECTED_PORTS: JSON.stringify({ 110: server.port, 995: server.tlsPort }),
      NODE_EXTRA_CA_CERTS: folder.write('authority.pem', authorityPem),
      ...Object.fromEntries(variables),
    };
    const { code, stdout, stderr } = await folder.run(['plan', '--json', `${name}.yaml`], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const plans = parseEvents(stdout);
    expect(plans).toHaveLength(job?.accounts.length ?? 0);
    for (const plan of plans) expect(plan['wanted']).toHaveLength(2);
  });
});
