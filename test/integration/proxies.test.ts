/** Real proxies between us and a server: microsocks (SOCKS5) and tinyproxy (HTTP CONNECT), with and without a login. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { findFreePorts } from '../services/free-ports.ts';
import { ProcessGroup } from '../services/process-group.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { requireProgram } from '../support/programs.ts';

const LOGIN = { user: 'proxy-user', password: 'proxy-secret' };
const POLL_MS = 20;
const ATTEMPTS = 500;

requireProgram('microsocks', 'tinyproxy', 'dovecot', 'openssl').describe('through a proxy', () => {
  const mail = someMessages(3);
  let folder: JobFolder;
  let dovecot: Dovecot;
  const proxies: ProcessGroup[] = [];

  beforeEach(async () => {
    folder = new JobFolder();
    dovecot = await startDovecot({ users: [{ name: 'alice', password: PASSWORD }] });
    dovecot.deliver('alice', mail);
  });

  afterEach(async () => {
    for (const proxy of proxies.splice(0)) {
      await proxy.end();
    }
    await dovecot?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  async function listening(port: number): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const isUp = await new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      });
      if (isUp) {
        return;
      }
      await delay(POLL_MS);
    }
    throw new Error(`no proxy listens on port ${port}: ${proxies.map(({ output }) => output).join('\n')}`);
  }

  async function startSocks(login?: typeof LOGIN): Promise<number> {
    const [port = 0] = await findFreePorts(1);
    const options = login === undefined ? [] : ['-u', login.user, '-P', login.password];
    proxies.push(new ProcessGroup('microsocks', ['-i', '127.0.0.1', '-p', String(port), ...options]));
    await listening(port);
    return port;
  }

  async function startHttp(login?: typeof LOGIN): Promise<number> {
    const [port = 0] = await findFreePorts(1);
    const auth = login === undefined ? '' : `BasicAuth ${login.user} ${login.password}\n`;
    const lines = `Port ${port}\nListen 127.0.0.1\nAllow 127.0.0.1\nMaxClients 10\nTimeout 60\n${auth}`;
    proxies.push(new ProcessGroup('tinyproxy', ['-d', '-c', folder.write(`tinyproxy-${port}.conf`, lines)]));
    await listening(port);
    return port;
  }

  /** One account on implicit TLS, one on STLS; both by name, which the proxy has to resolve. */
  function writeJob(proxy: unknown): string {
    const alice = {
      user: 'alice',
      host: 'localhost',
      tls: { ca: dovecot.caPath, serverName: '127.0.0.1' },
      proxy,
    };
    return folder.writeJob(dovecot.port, {
      accounts: [
        { ...alice, id: 'tls', security: 'tls', port: dovecot.tlsPort },
        { ...alice, id: 'stls', security: 'starttls' },
      ],
    });
  }

  function expectArchived(): void {
    for (const id of ['tls', 'stls']) {
      expect(folder.archived(id)).toEqual({ maildir: storedDigests(mail), mbox: storedDigests(mail) });
    }
  }

  it.each([
    ['SOCKS5', 'socks5', startSocks],
    ['HTTP', 'http', startHttp],
  ] as const)('of %s mail arrives, and the trace names the proxy', async (_, scheme, start) => {
    const url = `${scheme}://127.0.0.1:${await start()}`;
    const trace = join(folder.path, 'wire.log');
    const { code, stderr } = await folder.run(['run', '--trace', trace, writeJob(url)]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expectArchived();
    expect(readFileSync(trace, 'utf8')).toContain(`through ${url}`);
  });

  it.each([
    ['SOCKS5', 'socks5', startSocks],
    ['HTTP', 'http', startHttp],
  ] as const)(
    'of %s that wants a login: the right one opens it, a wrong one ends with 3',
    async (_, scheme, start) => {
      const url = `${scheme}://127.0.0.1:${await start(LOGIN)}`;
      folder.write('proxy.txt', `${LOGIN.password}\n`);
      const right = writeJob({ url, user: LOGIN.user, password: { file: 'proxy.txt' } });
      expect(await folder.run(['run', '--quiet', right])).toMatchObject({ code: 0 });
      expectArchived();
      const wrong = writeJob({ url, user: LOGIN.user, password: 'proxy-wrong' });
      const ended = await folder.run(['run', '-v', wrong]);
      expect(ended.code).toBe(3);
      expect(ended.stderr).toContain('check `user` and `password` of the proxy');
      expect(ended.stdout + ended.stderr).not.toMatch(/proxy-wrong|proxy-secret/);
    },
  );

  it('that the environment names, a loopback host is reached directly', async () => {
    const env = { ALL_PROXY: 'socks5://127.0.0.1:1' };
    const ended = await folder.run(['run', '--quiet', writeJob(undefined)], { env });
    expect(ended).toMatchObject({ code: 0 });
    expectArchived();
  });
});
