/** Logins by Kerberos ticket: a KDC of the test's own, Dovecot, and a server that has the right key and lies all the same. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { findFreePorts } from '../services/free-ports.ts';
import { GssapiServer } from '../services/gssapi-server.ts';
import { type Kdc, type KerberosEnvironment, startKdc } from '../services/kdc.ts';
import { installProgram } from '../support/installed-program.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { KERBEROS_PACKAGE, requireKerberos } from '../support/kerberos.ts';
import type { Ended } from '../support/mailferry.ts';

const LOUD = ['--verbose', '--log-level', 'trace', '--trace', 'wire.log'];
/** The well-known port of KPOP. */
const KPOP = 1109;

requireKerberos().describe('auth: gssapi', () => {
  const folder = new JobFolder();
  const programs = mkdtempSync(join(tmpdir(), 'mailferry-programs-'));
  let program: string;
  let kdc: Kdc;
  let dovecot: Dovecot;
  let kpopPort: number;
  let alice: KerberosEnvironment;

  beforeAll(async () => {
    program = installProgram(join(programs, 'with'), { kerberos: KERBEROS_PACKAGE });
    kdc = await startKdc({ users: ['alice'], services: ['pop/localhost'] });
    [kpopPort = 0] = await findFreePorts(1, [KPOP]);
    dovecot = await startDovecot({
      users: ['alice', 'bob'].map((name) => ({ name, password: PASSWORD })),
      mechanisms: ['plain', 'gssapi'],
      settings: settings(),
    });
    for (const name of ['alice', 'bob']) dovecot.deliver(name, someMessages(3, name));
    alice = await kdc.ticketOf('alice');
  });

  afterAll(async () => {
    await dovecot.stop();
    await kdc.stop();
    await folder[Symbol.asyncDispose]();
    rmSync(programs, { recursive: true });
  });

  beforeEach(() => rmSync(join(folder.path, 'wire.log'), { force: true }));

  const settings = () =>
    [
      'auth_gssapi_hostname = localhost',
      `auth_krb5_keytab = ${kdc.keytabPath}`,
      `import_environment = TZ KRB5_CONFIG=${kdc.configPath} KRB5RCACHENAME=none:`,
      `service pop3-login {\n  inet_listener kpop {\n    port = ${kpopPort}\n  }\n}`,
    ].join('\n');

  const trace = (): string => readFileSync(join(folder.path, 'wire.log'), 'latin1');

  function writeJob(name: string, account: object): string {
    const job = {
      name,
      state: `./state-${name}`,
      accounts: [{ id: 'account', host: 'localhost', user: 'alice', auth: 'gssapi', ...account }],
      sinks: [{ mbox: `./${name}.mbox` }],
    };
    return folder.write(`${name}.json`, JSON.stringify(job));
  }

  /** Runs a job of one account, which has no password unless `account` says so. */
  function run(name: string, account: object, env: KerberosEnvironment, path = program): Promise<Ended> {
    return folder.run(['run', ...LOUD, writeJob(name, account)], { env, program: path });
  }

  const subjects = (name: string) =>
    readFileSync(join(folder.path, `${name}.mbox`), 'latin1').match(/^Subject: \w+/gm);

  const over = (security: string) => {
    const port = security === 'tls' ? dovecot.tlsPort : dovecot.port;
    return { security, port, ...(security === 'plaintext' ? {} : { tls: { ca: dovecot.caPath } }) };
  };
  const clear = () => over('plaintext');

  describe('with a ticket', () => {
    it.each(['tls', 'starttls', 'plaintext'])('archives over %s without a password', async (security) => {
      expect(await run(security, over(security), alice)).toMatchObject({ code: 0 });
      expect(trace().match(/ C: AUTH.*/g)).toEqual([' C: AUTH GSSAPI']);
      expect(subjects(security)).toEqual(Array(3).fill('Subject: alice'));
    });

    it('is told by the name of the certificate where the host is an address', async () => {
      const account = { host: '127.0.0.1', ...over('tls') };
      const tls = { ca: dovecot.caPath, serverName: 'localhost' };
      expect(await run('named', { ...account, tls }, alice)).toMatchObject({ code: 0 });
    });

    it('that is fetched out of a keytab archives too', async () => {
      expect(await run('keytab', clear(), kdc.usersKeys())).toMatchObject({ code: 0 });
    });

    it('archives from the port of KPOP, by its keys and by a POP URL', async () => {
      expect(await run('kpop', { port: kpopPort, security: 'plaintext' }, alice)).toMatchObject({ code: 0 });
      expect(subjects('kpop')).toHaveLength(3);
      const host = `pop://alice;AUTH=GSSAPI@localhost:${kpopPort}`;
      const account = { host, user: undefined, auth: undefined, security: 'plaintext' };
      expect(await run('kpop-url', account, alice)).toMatchObject({ code: 0 });
      expect(subjects('kpop-url')).toHaveLength(3);
    });

    it('opens the maildrop of nobody else', async () => {
      for (const whose of [{ user: 'bob' }, { authorizationId: 'bob' }]) {
        const { code, stdout, stderr } = await run('others', { ...clear(), ...whose }, alice);
        expect(code).toBe(3);
        expect(stdout + stderr).toMatch(
          /the login was refused \(GSSAPI\).*see by `klist` whose ticket it is/s,
        );
        expect(trace()).toContain(' C: AUTH GSSAPI');
        expect(trace()).not.toContain(' C: STAT');
      }
    });

    it('is what probe logs in by', async () => {
      const job = writeJob('probed', over('tls'));
      const { code, stdout } = await folder.run(['probe', '--account', 'account', job], {
        env: alice,
        program,
      });
      expect(code).toBe(0);
      expect(stdout).toMatch(/GSSAPI \(strong\)/);
    });
  });

  describe('without a good ticket', () => {
    it.each<[string, () => Promise<KerberosEnvironment> | KerberosEnvironment, number, RegExp]>([
      ['no ticket', () => kdc.noTicket(), 3, /there is no Kerberos ticket.*run `kinit`/s],
      [
        'a ticket of yesterday',
        () => kdc.expiredTicketOf('alice'),
        3,
        /the Kerberos ticket has expired.*run `kinit`/s,
      ],
      [
        'a KDC that does not answer',
        async () => ({ ...(await kdc.ticketOf('alice')), KRB5_CONFIG: kdc.deadConfigPath }),
        5,
        /\(KDC\) does not answer/,
      ],
    ])('%s is told with what to do, and no login is begun', async (name, environment, code, text) => {
      const ended = await run(name.replaceAll(' ', '-'), clear(), await environment());
      expect(ended.code).toBe(code);
      expect(ended.stdout + ended.stderr).toMatch(text);
      expect(trace()).not.toContain(' C: AUTH');
    });

    it('a service that the KDC does not know is told by its name', async () => {
      const { code, stdout, stderr } = await run('address', { ...clear(), host: '127.0.0.1' }, alice);
      expect(code).toBe(3);
      expect(stdout + stderr).toMatch(/does not know the service pop@127\.0\.0\.1.*`tls\.serverName`/s);
    });

    it('auto takes the password, whatever the server announces', async () => {
      const account = { ...clear(), auth: 'auto', password: { env: 'MAIL_PASSWORD' } };
      expect(await run('auto', account, kdc.noTicket())).toMatchObject({ code: 0 });
      expect(trace().match(/ C: AUTH.*/g)).toEqual([' C: AUTH PLAIN ****']);
    });
  });

  it('without the package says how to install it, and nothing else is different', async () => {
    const bare = installProgram(join(programs, 'without'), { kerberos: undefined });
    const { code, stdout, stderr } = await run('absent', clear(), alice, bare);
    expect(code).toBe(3);
    expect(stdout + stderr).toMatch(/package kerberos, which is not installed.*`npm install kerberos`/s);
    const account = { ...clear(), auth: 'plain', password: { env: 'MAIL_PASSWORD' } };
    expect(await run('absent-plain', account, alice, bare)).toMatchObject({ code: 0 });
  });

  describe('a server with the right key', () => {
    async function meet(
      offer: string,
      isSealed: boolean,
      judge: (server: GssapiServer, ended: Ended) => void,
    ): Promise<void> {
      const server = await GssapiServer.start(kdc, offer, isSealed);
      try {
        const account = { port: server.port, security: 'plaintext', authorizationId: 'j\u00f6rg' };
        judge(server, await run(`meet-${offer}-${isSealed}`, account, alice));
      } finally {
        await server.stop();
      }
    }

    it('hears the choice of no layer and whose maildrop is meant, and no token shows, though it says them back', async () => {
      await meet('07001000', false, (server, { code, stdout, stderr }) => {
        expect(code).toBe(3);
        expect(server.said('heard')).toEqual([`01000000${Buffer.from('j\u00f6rg').toString('hex')}`]);
        const tokens = server.said('token').filter((token) => token !== '');
        expect(tokens).toHaveLength(4);
        for (const text of [stdout, stderr, trace()]) {
          for (const token of tokens) expect(text).not.toContain(token.slice(0, 24));
        }
      });
    });

    it.each([
      ['wants integrity protection', '06001000', false, /wants a security layer/],
      ['offers three octets', '010000', false, /expected 4 octets about security layers.*got 3/],
      ['offers nothing, which the package does not survive', '', false, /holds no message in clear/],
      ['encrypts its offer', '01000000', true, /holds no message in clear/],
    ])('that %s is told so, and the login is cancelled', async (_, offer, isSealed, text) => {
      await meet(offer, isSealed, (server, { code, stdout, stderr }) => {
        expect(code).toBe(3);
        expect(stdout + stderr).toMatch(text);
        expect(server.isCancelled).toBe(true);
        expect(server.said('heard')).toEqual([]);
      });
    });
  });
});
