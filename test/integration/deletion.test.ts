/**
 * Deletion at a real server: all of the corpus is archived from Dovecot and deleted there, and what became of it is told by
 * Dovecot itself and by programs that share no code with the product.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { corpusMessages, whySkipCorpus } from '../support/corpus.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { requireProgram } from '../support/programs.ts';
import { readReceipts } from './support/receipts.ts';
import { readWireOctets } from './support/wire-octets.ts';

const skip = whySkipCorpus();
const ACCOUNT = 'alice';

requireProgram('dovecot', 'openssl', 'python3').describe('deletion at Dovecot', () => {
  let dovecot: Dovecot;
  let folder: JobFolder;

  beforeEach(async () => {
    folder = new JobFolder();
    dovecot = await startDovecot({ users: [{ name: ACCOUNT, password: PASSWORD }] });
    dovecot.deliver(
      ACCOUNT,
      corpusMessages().map(({ octets }) => octets),
    );
  });

  afterEach(async () => {
    await dovecot?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  const readWire = () =>
    readWireOctets({ host: dovecot.host, port: dovecot.port, user: ACCOUNT, password: PASSWORD });

  /** As Dovecot counts them, not by POP3. */
  async function left(): Promise<number> {
    const text = await dovecot.doveadm('mailbox', 'status', '-u', ACCOUNT, 'messages', 'INBOX');
    return Number(/messages=(\d+)/.exec(text)?.[1]);
  }

  function states(): Record<string, number> {
    const reader = openLedgerReader({ statePath: join(folder.path, 'state') });
    const byState = reader?.accounts()[0]?.byState;
    reader?.close();
    return Object.fromEntries(Object.entries(byState ?? {}).filter(([, count]) => count > 0));
  }

  const writeJob = (age: string | 0): string =>
    folder.writeJob(dovecot.port, { accounts: [ACCOUNT], delete: { after: 'verified', age } });

  /** Every message of the wire lies in both sinks, octet for octet, and no other. */
  async function expectArchived(digests: readonly string[]): Promise<void> {
    const receipts = await readReceipts(join(folder.path, 'state', 'ledger.db'), ACCOUNT);
    for (const kind of ['maildir', 'mbox']) {
      const ofKind = receipts.filter(({ sink }) => sink.startsWith(`${kind}:`));
      expect(ofKind.map(({ wireSha256 }) => wireSha256).sort(), kind).toEqual(digests);
    }
  }

  it.skipIf(skip)(
    'empties the maildrop; the archives hold every octet; the next runs change nothing',
    async () => {
      const digests = (await readWire()).map(({ sha256 }) => sha256).sort();
      const count = digests.length;
      expect(await left()).toBe(count);
      const job = writeJob(0);
      expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
      expect([await left(), await readWire()]).toEqual([0, []]);
      // A listing this long and all new is asked for once more (Q14), which confirms the deletion at once.
      expect(states()).toEqual({ deleted: count });
      await expectArchived(digests);
      expect((await folder.run(['verify', job])).code).toBe(0);
      expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
      expect(states()).toEqual({ deleted: count });
      expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
      await expectArchived(digests);
    },
  );

  it.skipIf(skip)('deletes what an earlier run archived without fetching it again', async () => {
    const digests = (await readWire()).map(({ sha256 }) => sha256).sort();
    expect((await folder.run(['run', '--quiet', writeJob('1h')])).code).toBe(0);
    expect([await left(), states()]).toEqual([digests.length, { verified: digests.length }]);
    const trace = join(folder.path, 'trace');
    expect(await folder.run(['run', '--quiet', '--trace', trace, writeJob(0)])).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(readFileSync(trace, 'latin1')).toContain('DELE 1');
    expect(readFileSync(trace, 'latin1')).not.toContain('RETR');
    expect(await left()).toBe(0);
    await expectArchived(digests);
  });
});
