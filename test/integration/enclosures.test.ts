/** The enclosed servers themselves: what the suite of servers.test.ts stands on. And one of them as its package makes it. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startCourier } from '../services/courier.ts';
import { startEnclosure, whyNotEnclosed } from '../services/enclosure.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { gateOf } from '../support/programs.ts';
import { readWireOctets } from './support/wire-octets.ts';

const run = promisify(execFile);
const ALICE = { name: 'alice', password: PASSWORD };

gateOf(whyNotEnclosed('courier')).describe('an enclosed server', () => {
  it('leaves no process, no folder and no mount behind, even with a session open', async () => {
    const server = await startCourier([ALICE]);
    const folder = dirname(dirname(server.caPath));
    const session = createConnection({ port: server.port, host: server.host });
    await new Promise((resolve) => session.once('data', resolve));
    const closed = new Promise((resolve) => session.once('close', resolve));
    session.on('error', () => undefined);
    await server.stop();
    await closed;
    const { stdout } = await run('ps', ['-eo', 'stat=,args=']);
    const living = stdout.split('\n').filter((line) => !line.startsWith('Z') && line.includes(folder));
    expect(living).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    expect(readFileSync('/proc/mounts', 'latin1')).not.toContain(folder);
  });

  it('says what was printed where it does not start, and leaves nothing', async () => {
    const files = () => ({ '/start.sh': { text: 'echo no such thing >&2; exit 3\n' } });
    const start = startEnclosure({ name: 'courier', users: [ALICE], ports: 1, files });
    await expect(start).rejects.toThrow(/did not start:\nno such thing/);
  });

  it('Q42: Courier announces LOGIN-DELAY 10, so a second run at once leaves the account to the next', async () => {
    const server = await startCourier([ALICE], 'package');
    await using folder = new JobFolder();
    try {
      await server.deliver(ALICE.name, [Buffer.from('Subject: one\n\nfirst\n')]);
      const job = folder.writeJob(server.port, { accounts: [ALICE.name], limits: { patience: '1s' } });
      expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
      const second = await folder.run(['run', job]);
      expect(second.code).toBe(5);
      expect(second.stdout + second.stderr).toMatch(/more time between logins/);
      // Courier itself does not mind.
      const source = { host: server.host, port: server.port, user: ALICE.name, password: PASSWORD };
      expect(await readWireOctets(source)).toHaveLength(1);
    } finally {
      await server.stop();
    }
  });
});
