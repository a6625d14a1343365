/** The test server itself: what the other integration tests stand on. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { corpusMessages, whySkipCorpus } from '../support/corpus.ts';
import { requireProgram } from '../support/programs.ts';
import { readWireOctets } from './support/wire-octets.ts';

const run = promisify(execFile);
const alice = { name: 'alice', password: 'secret one' };
const bob = { name: 'bob@example.net', password: 'secret two' };
const sha256 = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex');

requireProgram('dovecot', 'openssl', 'python3').describe('the Dovecot of the tests', () => {
  let dovecot: Dovecot | undefined;

  const start = async () => {
    dovecot = await startDovecot({ users: [alice, bob] });
    return dovecot;
  };
  const sourceOf = (server: Dovecot, user = alice) => ({
    host: server.host,
    port: server.port,
    user: user.name,
    password: user.password,
  });

  afterEach(async () => {
    await dovecot?.stop();
    dovecot = undefined;
  });

  it('serves what was delivered to Python’s poplib, each user their own', async () => {
    const server = await start();
    server.deliver(alice.name, [Buffer.from('Subject: one\n\nfirst\n'), Buffer.from('Subject: two\n\n.\n')]);
    server.deliver(bob.name, [Buffer.from('Subject: three\n\nthird\n')]);
    const script = `
import poplib, sys
p = poplib.POP3('127.0.0.1', int(sys.argv[1]))
p.user(sys.argv[2]); p.pass_(sys.argv[3])
print(p.stat()[0], [p.retr(n + 1)[1] for n in range(p.stat()[0])])
p.quit()`;
    const asPoplib = async (user: typeof alice) =>
      (await run('python3', ['-c', script, String(server.port), user.name, user.password])).stdout.trim();
    expect(await asPoplib(alice)).toBe("2 [[b'Subject: one', b'', b'first'], [b'Subject: two', b'', b'.']]");
    expect(await asPoplib(bob)).toBe("1 [[b'Subject: three', b'', b'third']]");
  });

  it('gives the same octets in clear text, after STLS and over TLS', async () => {
    const server = await start();
    server.deliver(alice.name, [Buffer.from('Subject: one\n\nfirst\n')]);
    const { caPath } = server;
    const plain = await readWireOctets(sourceOf(server));
    const stls = await readWireOctets({ ...sourceOf(server), tls: { mode: 'stls', caPath } });
    const tls = await readWireOctets({
      ...sourceOf(server),
      port: server.tlsPort,
      tls: { mode: 'tls', caPath },
    });
    expect(plain).toMatchObject([{ number: 1, octets: 23, sha256: sha256('Subject: one\r\n\r\nfirst\r\n') }]);
    expect(stls).toEqual(plain);
    expect(tls).toEqual(plain);
  });

  it('sends line ends, NUL and missing final newlines the way its comment says', async () => {
    const server = await start();
    const cases: [file: string, wire: string, listed: number][] = [
      ['S: a\n\r\nb\nc\r\n', 'S: a\r\n\r\nb\r\nc\r\n', 14],
      ['S: a\n\nx\ry\r\r\n', 'S: a\r\n\r\nx\ry\r\r\n', 14],
      ['S: a\0\n\n\xff\0\n', 'S: a\0\r\n\r\n\xff\0\r\n', 13],
      ['S: a\n\n.\n..\n.', 'S: a\r\n\r\n.\r\n..\r\n.\r\n', 16],
      ['S: a\n\nx\r', 'S: a\r\n\r\nx\r\r\n', 10],
      ['', '\r\n', 0],
      ['From a@b Thu Jan  1 00:00:00 1970\n\n', 'From a@b Thu Jan  1 00:00:00 1970\r\n\r\n', 37],
    ];
    server.deliver(
      alice.name,
      cases.map(([file]) => Buffer.from(file, 'latin1')),
    );
    const seen = await readWireOctets(sourceOf(server));
    const expected = cases.map(([, wire, listedOctets]) => ({
      listedOctets,
      octets: wire.length,
      sha256: sha256(wire),
    }));
    expect(seen).toMatchObject(expected);
  });

  it('lists later deliveries after earlier ones and deletes by doveadm', async () => {
    const server = await start();
    server.deliver(alice.name, [Buffer.from('S: 1\n\n1\n'), Buffer.from('S: 2\n\n2\n')]);
    const before = await readWireOctets(sourceOf(server));
    server.deliver(alice.name, [Buffer.from('S: 3\n\n3\n')]);
    await server.doveadm('expunge', '-u', alice.name, 'mailbox', 'INBOX', 'uid', '1');
    const after = await readWireOctets(sourceOf(server));
    expect(before).toHaveLength(2);
    expect(after.map((message) => message.uniqueId)[0]).toBe(before[1]?.uniqueId);
    expect(after[1]?.sha256).toBe(sha256('S: 3\r\n\r\n3\r\n'));
  });

  it('says what Dovecot said when the configuration is wrong, and leaves nothing', async () => {
    await expect(startDovecot({ users: [alice], settings: 'no_such_setting = 1' })).rejects.toThrow(
      /no_such_setting/,
    );
  });

  it('leaves no process and no folder behind, even with a session open', async () => {
    const server = await start();
    const session = run('python3', [
      '-c',
      `import poplib
p = poplib.POP3('127.0.0.1', ${server.port}); p.user('alice'); p.pass_('secret one')
print('in', flush=True)
p.file.read()`,
    ]);
    await new Promise((resolve) => session.child.stdout?.once('data', resolve));
    await server.stop();
    await session;
    const { stdout } = await run('ps', ['-eo', 'pgid=,stat=']);
    const living = stdout.split('\n').filter((line) => !line.includes('Z'));
    expect(living.map((line) => Number.parseInt(line, 10))).not.toContain(server.pid);
    expect(existsSync(server.caPath)).toBe(false);
  });

  it.skipIf(whySkipCorpus())('serves the whole corpus', async () => {
    const server = await start();
    const messages = corpusMessages();
    expect(messages).toHaveLength(573);
    server.deliver(
      alice.name,
      messages.map((message) => message.octets),
    );
    const seen = await readWireOctets(sourceOf(server));
    expect(seen).toHaveLength(573);
    for (const [index, { octets, name }] of messages.entries()) {
      // Made another way than Dovecot makes it, so that a wrong split or a wrong delivery would show.
      const crlf = octets.toString('latin1').replace(/(?<!\r)\n/g, '\r\n');
      const wire = crlf.endsWith('\r\n') ? crlf : `${crlf}\r\n`;
      expect(seen[index], name).toMatchObject({ octets: wire.length, sha256: sha256(wire) });
    }
  });
});
