/**
 * What `--keylog` is for: a capture of our own sessions, read by tshark with the key log, shows the POP3 inside the TLS.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { ProcessGroup } from '../services/process-group.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { requireProgram } from '../support/programs.ts';

const run = promisify(execFile);
const POLL_MS = 200;
const DEADLINE_MS = 30_000;

requireProgram('tshark', 'dovecot', 'openssl').describe('a capture', () => {
  const folder = new JobFolder();
  let dovecot: Dovecot | undefined;
  let capture: ProcessGroup | undefined;

  afterEach(async () => {
    await capture?.end();
    await dovecot?.stop();
    await folder[Symbol.asyncDispose]();
  });

  async function until<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
    for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await delay(POLL_MS)) {
      const result = await attempt();
      if (result !== undefined) {
        return result;
      }
    }
    throw new Error(`waited in vain for ${what}`);
  }

  /** A capture has begun when a connection shows in its file. */
  async function startCapture(ports: readonly number[], file: string): Promise<ProcessGroup> {
    const filter = ports.map((port) => `tcp port ${port}`).join(' or ');
    const started = new ProcessGroup('tshark', ['-q', '-i', 'lo', '-f', filter, '-w', file]);
    const [port = 0] = ports;
    const emptyOctets = 1000;
    await until('tshark to capture', async () => {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.destroy());
        socket.once('close', () => resolve());
      });
      return (existsSync(file) && statSync(file).size > emptyOctets) || undefined;
    });
    return started;
  }

  it('of sessions on STLS and on implicit TLS shows their POP3 commands to who has the key log', async () => {
    dovecot = await startDovecot({ users: [{ name: 'alice', password: PASSWORD }] });
    dovecot.deliver('alice', [Buffer.from('Subject: one\r\n\r\nfirst\r\n')]);
    const { port, tlsPort, caPath } = dovecot;
    const file = join(folder.path, 'c.pcapng');
    capture = await startCapture([port, tlsPort], file);
    const tls = { ca: caPath };
    const alice = { user: 'alice', auth: 'plain', tls };
    const job = folder.writeJob(port, {
      accounts: [
        { ...alice, id: 'stls', security: 'starttls' },
        { ...alice, id: 'tls', security: 'tls', port: tlsPort },
      ],
    });
    const keys = join(folder.path, 'keys.log');
    const ended = await folder.run(['run', '--keylog', keys, job]);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain(`TLS secrets go to ${keys}`);
    expect(statSync(keys).mode & 0o777).toBe(0o600);
    expect(readFileSync(keys, 'latin1')).not.toContain(PASSWORD);

    const decodeAs = [
      '-d',
      `tcp.port==${port},pop`,
      '-d',
      `tcp.port==${tlsPort},tls`,
      '-d',
      `tls.port==${tlsPort},pop`,
    ];
    const commands = async (keyLog: readonly string[]): Promise<string[]> => {
      const fields = [
        '-Y',
        'pop.request.command',
        '-T',
        'fields',
        '-e',
        'tcp.dstport',
        '-e',
        'pop.request.command',
      ];
      const { stdout } = await run('tshark', ['-r', file, ...decodeAs, ...keyLog, ...fields]).catch(
        // A file that is still being written ends in mid-record, which tshark grumbles about.
        (error: { stdout: string }) => error,
      );
      return stdout.split('\n').filter(Boolean);
    };
    const seen = await until('both sessions in the capture', async () => {
      const lines = await commands(['-o', `tls.keylog_file:${keys}`]);
      return lines.filter((line) => line.endsWith('\tQUIT')).length === 2 ? lines : undefined;
    });
    // tshark names one command a packet; LIST and UIDL go out together.
    const inside = ['CAPA', 'AUTH', 'CAPA', 'STAT', 'LIST', 'RETR', 'QUIT'];
    expect(seen.filter((line) => line.startsWith(`${tlsPort}\t`)).map((line) => line.split('\t')[1])).toEqual(
      inside,
    );
    expect(seen.filter((line) => line.startsWith(`${port}\t`)).map((line) => line.split('\t')[1])).toEqual([
      'CAPA',
      'STLS',
      ...inside,
    ]);
    // The line of docs/wire.md, with the ports of this test.
    const shown = await run('tshark', [
      '-r',
      file,
      '-o',
      `tls.keylog_file:${keys}`,
      ...decodeAs,
      '-Y',
      'pop',
    ]);
    for (const line of ['C: RETR 1', 'S: +OK', 'C: QUIT']) expect(shown.stdout).toContain(line);
    expect((await commands([])).map((line) => line.split('\t')[1])).toEqual(['CAPA', 'STLS']);
  });
});
