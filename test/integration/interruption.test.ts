/** Stopped and killed against a real server, with the clock alone to choose the moment; and nasty messages through it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { NASTY_MESSAGES } from '../support/nasty-messages.ts';
import { requireProgram } from '../support/programs.ts';
import { seededRandom } from '../support/random.ts';
import { secretForms } from '../support/secret-forms.ts';
import { readWireOctets } from './support/wire-octets.ts';

const ROUNDS = 5;
/** Dovecot 2.3 does not stuff a dot that opens a message, so a first line of one dot ends it, and what follows is no answer. */
const SERVABLE = NASTY_MESSAGES.filter(({ octets }) => octets[0] !== 0x2e);

requireProgram('dovecot', 'openssl', 'python3').describe('against a real server', () => {
  let folder: JobFolder;
  let dovecot: Dovecot;

  beforeEach(async () => {
    folder = new JobFolder();
    dovecot = await startDovecot({ users: [{ name: 'alice', password: PASSWORD }] });
  });

  afterEach(async () => {
    await dovecot.stop();
    await folder[Symbol.asyncDispose]();
  });

  async function expectWireInBothSinks(): Promise<void> {
    const { host, port } = dovecot;
    const wire = await readWireOctets({ host, port, user: 'alice', password: PASSWORD });
    const stored = wire.map(({ storedSha256 }) => storedSha256).sort();
    const { maildir, mbox } = folder.archived('alice');
    expect([maildir.length, mbox.length]).toEqual([wire.length, wire.length]);
    expect({ maildir, mbox }).toEqual({ maildir: stored, mbox: stored });
  }

  it(`killed ${ROUNDS} times and interrupted as often, mail arriving in between: all of it, once`, async () => {
    const random = seededRandom('dovecot');
    const job = folder.writeJob(dovecot.port, { accounts: ['alice'] });
    dovecot.deliver('alice', someMessages(3000));
    let cut = 0;
    for (let round = 1; round <= 2 * ROUNDS; round += 1) {
      dovecot.deliver('alice', someMessages(200 + random(400), `round ${round}`));
      const running = folder.start(['run', '--json', job]);
      await running.prints('stdout', '"account.started"');
      // A random moment is what is wanted here; whichever is met, the outcome must be the same.
      const timer = setTimeout(() => running.kill(round % 2 === 0 ? 'SIGKILL' : 'SIGINT'), random(250));
      const { code, signal } = await running.ended;
      clearTimeout(timer);
      expect(signal === 'SIGKILL' || code === 130 || code === 0).toBe(true);
      cut += code === 0 ? 0 : 1;
    }
    expect(cut).toBeGreaterThan(ROUNDS / 2);
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    await expectWireInBothSinks();
  });

  it('nasty messages arrive as they went over the wire', async () => {
    const job = folder.writeJob(dovecot.port, { accounts: ['alice'] });
    dovecot.deliver(
      'alice',
      SERVABLE.map(({ octets }) => octets),
    );
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    await expectWireInBothSinks();
  });

  it.each(['login', 'plain', 'user-pass'])('a login by %s leaves no secret in the trace', async (auth) => {
    const job = folder.writeJob(dovecot.port, { accounts: [{ id: 'alice', user: 'alice', auth }] });
    dovecot.deliver('alice', someMessages(3));
    const ended = await folder.run(['run', '-v', '--log-level', 'trace', '--trace', 'wire.log', job]);
    expect(ended.code).toBe(0);
    const trace = readFileSync(join(folder.path, 'wire.log'), 'latin1');
    expect(trace).toContain('C: RETR 3');
    for (const form of secretForms('alice', PASSWORD)) {
      for (const text of [trace, ended.stdout, ended.stderr]) expect(text).not.toContain(form);
    }
  });
});
