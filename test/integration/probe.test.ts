/** `mailferry probe` of a real server: on a clear line, by STLS, by TLS; well kept and badly kept. */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Dovecot, type DovecotOptions, startDovecot } from '../services/dovecot.ts';
import { JobFolder, parseEvents } from '../support/job-folder.ts';

const folder = new JobFolder();
let dovecot: Dovecot;

afterAll(() => folder[Symbol.asyncDispose]());

afterEach(async () => {
  await dovecot.stop();
});

async function start(options: Omit<DovecotOptions, 'users'>): Promise<void> {
  dovecot = await startDovecot({ users: [{ name: 'alice', password: 'secret' }], ...options });
}

/** What `probe` says of each kind of line to this server, by what it is about. */
async function judgements(security: 'tls' | 'starttls' | 'plaintext'): Promise<Record<string, string>> {
  const port = security === 'tls' ? dovecot.tlsPort : dovecot.port;
  const tls = security === 'plaintext' ? {} : { tls: { ca: dovecot.caPath } };
  const job = folder.writeJob(port, { accounts: ['alice'], defaults: { security, ...tls } });
  const { code, stdout, stderr } = await folder.run(['probe', '--json', job]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [report] = parseEvents(stdout);
  expect(report).toMatchObject({ provider: { name: 'Dovecot', notes: 'dovecot' } });
  // JSON of our own making; a wrong shape fails below.
  const judged = report?.['security'] as
    | { judgements: { about: string; grade: string; finding: string }[] }
    | undefined;
  const found = judged?.judgements ?? [];
  return Object.fromEntries(found.map(({ about, grade, finding }) => [about, `${grade}: ${finding}`]));
}

describe('a server that is well kept', () => {
  it('is good on every line, and refuses logins before TLS', async () => {
    await start({
      mechanisms: ['plain', 'scram-sha-256'],
      settings: 'disable_plaintext_auth = yes\nssl = required\n',
    });
    const byTls = await judgements('tls');
    expect(Object.values(byTls).filter((text) => !text.startsWith('good: '))).toEqual([]);
    expect(byTls['tls-versions']).toBe('good: accepted: 1.2, 1.3');
    expect(byTls['mechanisms']).toContain('SCRAM-SHA-256 (strong)');
    const byStls = await judgements('starttls');
    expect(byStls['encryption']).toBe('good: STLS is offered and works');
    expect(byStls['mechanisms']).toContain('SCRAM-SHA-256 (strong)');
  });
});

describe('a server that is badly kept', () => {
  it('is told what is wrong with it', async () => {
    await start({
      mechanisms: ['plain', 'apop', 'cram-md5'],
      settings: 'ssl_min_protocol = TLSv1\nssl_cipher_list = ALL:@SECLEVEL=0\n',
    });
    const byStls = await judgements('starttls');
    expect(byStls['tls-versions']).toBe('mind: accepted: 1.0, 1.1, 1.2, 1.3');
    expect(byStls['clear-text-login']).toBe('mind: offered before TLS: PLAIN, USER-PASS');
    expect(byStls['apop']).toMatch(/^mind: /);
    expect(byStls['certificate']).toMatch(/^good: for localhost/);
    const inClear = await judgements('plaintext');
    expect(inClear['encryption']).toBe('mind: STLS is offered and works');
    expect(inClear['certificate']).toMatch(/^bad: .*not known here$/);
  });

  it('without TLS is bad', async () => {
    await start({ settings: 'ssl = no\n' });
    const inClear = await judgements('plaintext');
    expect(inClear['encryption']).toMatch(/^bad: no STLS/);
    expect(inClear['clear-text-login']).toMatch(/^bad: /);
    expect(Object.keys(inClear)).not.toContain('certificate');
  });
});
