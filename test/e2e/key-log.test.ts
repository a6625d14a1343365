/** The key log, asked for by the option or by the variable that browsers and curl know: for its owner alone, and without any password. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from '../../src/demo/certificate.ts';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { secretForms } from '../support/secret-forms.ts';

it.each<[string, readonly string[], Readonly<Record<string, string>>]>([
  ['--keylog', ['--keylog', 'keys.log'], {}],
  ['SSLKEYLOGFILE', [], { SSLKEYLOGFILE: 'keys.log' }],
])('%s has the secrets of the TLS sessions written, and says so', async (_, args, env) => {
  const folder = new JobFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const certificate = await makeCertificate();
  const users = [{ name: 'alice', password: PASSWORD, messages: someMessages(1) }];
  const server = await DemoServer.start({ users, security: 'tls', certificate });
  onTestFinished(() => server.close());
  folder.write('ca.pem', certificate.authorityPem);
  const account = { id: 'alice', user: 'alice', security: 'tls', tls: { ca: './ca.pem' } };
  const job = folder.writeJob(server.port, { accounts: [account] });
  const { code, stderr } = await folder.run(['run', ...args, job], { env });
  expect(code).toBe(0);
  expect(stderr).toContain('TLS secrets go to');
  const path = join(folder.path, 'keys.log');
  const keys = readFileSync(path, 'latin1');
  expect(keys).toMatch(/^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+$/m);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  for (const form of secretForms('alice', PASSWORD)) expect(keys).not.toContain(form);
});
