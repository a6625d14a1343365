/**
 * Every file in jobs/ is planned and run as it stands: the servers it names are played by the demo server, whose certificate
 * has their names; its secrets are laid out where it looks for them. One line alone is changed, the pinned fingerprint.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../../src/demo/certificate.ts';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';

const JOBS = fileURLToPath(new URL('../../jobs/', import.meta.url));
const REDIRECT = new URL('../support/redirect-connections.mjs', import.meta.url).href;
const HOSTS = ['pop.example.net', 'pop.example.org', 'mail.example.org'];

/** Which accounts each job has, as the server knows them, with their passwords where those are in the job itself. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  'demo.yaml': ['alice:alice-demo', 'bob:bob-demo', 'carol:carol-demo'],
  'nightly-archive.yaml': ['office@example.net', 'invoices@example.net', 'legacy'],
  'migrate-mailboxes.yaml': [
    ...['alice@example.net', 'bob@example.net', 'carol@example.net'],
    ...['dave@example.org', 'erin@example.org', 'archive@example.net'],
  ],
  'compliance-export.yaml': ['m.ahrens*export', 'j.brandt*export'],
};

let certificate: Certificate;
let folder: JobFolder;
let server: DemoServer;

beforeAll(async () => {
  certificate = await makeCertificate(HOSTS);
});

beforeEach(() => {
  folder = new JobFolder();
  cpSync(JOBS, join(folder.path, 'jobs'), { recursive: true });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** Today's and yesterday's mail, and one message of 2001. */
function messages(name: string): Buffer[] {
  const day = 86_400_000;
  const dates = [new Date(), new Date(Date.now() - day), new Date(Date.UTC(2001, 0, 1))];
  return dates.map((date, index) =>
    Buffer.from(`Date: ${date.toUTCString()}\r\nSubject: ${name} ${index}\r\n\r\nbody\r\n`),
  );
}

/** What the examples expect to find on the machine they run on. */
function layOutSecrets(): void {
  const jobs = join(folder.path, 'jobs');
  for (const path of ['secrets', 'ca', 'programs']) mkdirSync(join(jobs, path));
  for (const name of ['office', 'bob', 'carol', 'export']) {
    writeFileSync(join(jobs, 'secrets', name), `${PASSWORD}\n`, { mode: 0o600 });
  }
  writeFileSync(join(jobs, 'ca', 'example-net.pem'), certificate.authorityPem);
  for (const program of ['pass', 'secret-tool']) {
    writeFileSync(join(jobs, 'programs', program), '#!/bin/sh\nprintenv TEST_PASSWORD\n', { mode: 0o755 });
  }
  const migration = join(jobs, 'migrate-mailboxes.yaml');
  const digest = createHash('sha256')
    .update(new X509Certificate(certificate.certificatePem).raw)
    .digest('hex');
  writeFileSync(
    migration,
    readFileSync(migration, 'utf8').replace(/sha256:[0-9a-f]{64}/, `sha256:${digest}`),
  );
}

function environment(): Record<string, string> {
  return {
    NODE_OPTIONS: `--import ${REDIRECT}`,
    REDIRECTED_PORTS: JSON.stringify({ 110: server.port, 995: server.tlsPort, 8110: server.port }),
    // What takes the place of the system's authorities.
    NODE_EXTRA_CA_CERTS: folder.write('authority.pem', certificate.authorityPem),
    PATH: `${join(folder.path, 'jobs', 'programs')}:${process.env['PATH'] ?? ''}`,
    TEST_PASSWORD: PASSWORD,
    ...Object.fromEntries(
      ['ALICE', 'DAVE', 'ERIN', 'INVOICES'].map((name) => [`${name}_PASSWORD`, PASSWORD]),
    ),
  };
}

it('no example is left out', () => {
  server = { close: () => Promise.resolve() } as DemoServer;
  const files = readdirSync(JOBS).filter((name) => name.endsWith('.yaml'));
  expect(Object.keys(EXAMPLES).sort()).toEqual(files.sort());
});

describe.each(Object.entries(EXAMPLES))('jobs/%s', (file, accounts) => {
  const skipped = file === 'compliance-export.yaml' ? accounts.length : 0;
  const wanted = 3 * accounts.length - skipped;

  beforeEach(async () => {
    const users = accounts.map((account) => {
      const [name = '', password = PASSWORD] = account.split(':');
      return { name, password, messages: messages(name) };
    });
    server = await DemoServer.start({ users, security: ['starttls', 'tls'], certificate });
    layOutSecrets();
  });

  it('is planned, run, and run again with nothing new', async () => {
    const job = join(folder.path, 'jobs', file);
    const env = environment();
    const planned = await folder.run(['plan', '--json', job], { env });
    expect(planned).toMatchObject({ code: 0, stderr: file === 'demo.yaml' ? expect.anything() : '' });
    const plans = parseEvents(planned.stdout);
    expect(plans).toHaveLength(accounts.length);
    expect(plans.flatMap((plan) => plan['wanted'])).toHaveLength(wanted);
    expect(server.record.count('RETR')).toBe(0);

    for (const archivedNow of [wanted, 0]) {
      const { code, stdout, stderr } = await folder.run(['run', '--json', job], { env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: file === 'demo.yaml' ? expect.anything() : '' });
      const counts = { listed: 3 * accounts.length, archivedNow, skipped, failed: 0 };
      expect(parseEvents(stdout).at(-1)).toMatchObject({ event: 'run.finished', counts });
    }
    expect(server.record.count('RETR')).toBe(wanted);
    expect(server.record.count('DELE')).toBe(0);
  });
});
