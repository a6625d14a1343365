/**
 * The whole corpus through the built program: from a real Dovecot over each kind of line, and from the demo server, into
 * Maildir and mbox in one run. The yardstick is an independent reader of the wire; five other programs count the archives.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { MaildirDelivery } from '../services/maildir-delivery.ts';
import { maildirFiles, sha256 } from '../support/archives.ts';
import { corpusMessages, whySkipCorpus } from '../support/corpus.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';
import { requireProgram } from '../support/programs.ts';
import { readReceipts } from './support/receipts.ts';
import { readWireOctets, type WireMessage } from './support/wire-octets.ts';

const run = promisify(execFile);
const skip = whySkipCorpus();
const COUNT = 573;
const ACCOUNTS = ['plaintext', 'starttls', 'tls', 'demo'] as const;

/** As Dovecot makes it of a file: each LF without a CR before it gets one. */
function withCrlf(octets: Buffer): string {
  return octets.toString('latin1').replace(/(?<!\r)\n/g, '\r\n');
}

requireProgram('dovecot', 'openssl', 'python3').describe('the corpus', () => {
  describe.skipIf(skip)(`(${skip === false ? `${COUNT} messages` : skip})`, () => {
    let dovecot: Dovecot;
    let demo: DemoServer;
    let folder: JobFolder;
    let job: string;
    const wire = new Map<string, WireMessage[]>();

    beforeAll(async () => {
      folder = new JobFolder();
      const messages = corpusMessages().map(({ octets }) => octets);
      dovecot = await startDovecot({ users: ACCOUNTS.map((name) => ({ name, password: PASSWORD })) });
      for (const account of ACCOUNTS) dovecot.deliver(account, messages);
      demo = await DemoServer.start({ users: [{ name: 'demo', password: PASSWORD, messages }] });
      job = writeJob();
      for (const account of ACCOUNTS) wire.set(account, await readWire(account));
    });

    afterAll(async () => {
      await demo?.close();
      await dovecot?.stop();
      await folder?.[Symbol.asyncDispose]();
    });

    function writeJob(): string {
      const tls = { ca: dovecot.caPath, serverName: 'localhost' };
      const accounts = [
        { id: 'plaintext', user: 'plaintext', security: 'plaintext' },
        { id: 'starttls', user: 'starttls', security: 'starttls', tls },
        { id: 'tls', user: 'tls', security: 'tls', port: dovecot.tlsPort, tls },
        { id: 'demo', user: 'demo', port: demo.port },
      ];
      return folder.writeJob(dovecot.port, { accounts });
    }

    function readWire(account: string): Promise<WireMessage[]> {
      const { port, host } = account === 'demo' ? { port: demo.port, host: '127.0.0.1' } : dovecot;
      return readWireOctets({ host, port, user: account, password: PASSWORD });
    }

    const stored = (account: string): string[] =>
      (wire.get(account) ?? []).map(({ storedSha256 }) => storedSha256).sort();

    it('is archived in one run, and the second fetches nothing', async () => {
      for (const archivedNow of [COUNT * ACCOUNTS.length, 0]) {
        const { code, stdout, stderr } = await folder.run(['run', '--json', job]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        const counts = {
          listed: COUNT * ACCOUNTS.length,
          archivedNow,
          failed: 0,
          skipped: 0,
          quarantined: 0,
        };
        const events = parseEvents(stdout);
        expect(events.at(-1)).toMatchObject({ event: 'run.finished', outcome: 'done', counts });
        // The first listing of each account; one that is new from end to end is asked for once more (Q14), and nothing new comes.
        const listings = events.filter(({ event }) => event === 'account.listed');
        for (const account of ACCOUNTS) {
          const [first, ...again] = listings
            .filter((event) => event['account'] === account)
            .map((event) => event['wanted']);
          expect(first).toBe(archivedNow / ACCOUNTS.length);
          expect(again.every((count) => count === 0)).toBe(true);
        }
      }
      // One reading by the yardstick, one by the program.
      expect(demo.record.count('RETR')).toBe(2 * COUNT);
    });

    describe.each(ACCOUNTS)('from %s', (account) => {
      it('rests in Maildir and mbox as it went over the wire, each message once', () => {
        expect(wire.get(account)).toHaveLength(COUNT);
        const { maildir, mbox } = folder.archived(account);
        expect(maildir).toEqual(stored(account));
        expect(mbox).toEqual(stored(account));
      });

      it('has a receipt for each message and sink that leads back to the octets of the wire', async () => {
        const receipts = await readReceipts(join(folder.path, 'state', 'ledger.db'), account);
        expect(receipts).toHaveLength(2 * COUNT);
        const digests = (wire.get(account) ?? []).map(({ sha256: digest }) => digest).sort();
        for (const kind of ['maildir', 'mbox']) {
          const ofKind = receipts.filter(({ sink }) => sink.startsWith(kind));
          expect(ofKind.map(({ wireSha256 }) => wireSha256).sort()).toEqual(digests);
          expect(ofKind.filter((receipt) => receipt.wireSha256 !== receipt.claimedSha256)).toEqual([]);
        }
      });

      it('is sized in its file names as Dovecot sizes it', () => {
        for (const path of maildirFiles(folder.maildir(account))) {
          const [, size, virtual] = /,S=(\d+),W=(\d+)/.exec(path) ?? [];
          const octets = readFileSync(path);
          expect([Number(size), Number(virtual)]).toEqual([octets.length, withCrlf(octets).length]);
        }
      });
    });

    describe('is counted alike by', () => {
      it('Python’s mailbox, which reads the same octets from both', async () => {
        const script = `
import hashlib, mailbox, sys
maildir = mailbox.Maildir(sys.argv[1], create=False)
print(len(maildir), len(mailbox.mbox(sys.argv[2], create=False)))
for key in maildir.keys():
    print(hashlib.sha256(maildir.get_file(key)._file.read()).hexdigest())`;
        for (const account of ACCOUNTS) {
          const { stdout } = await run('python3', [
            '-c',
            script,
            folder.maildir(account),
            folder.mbox(account),
          ]);
          const [counts, ...digests] = stdout.trim().split('\n');
          expect(counts).toBe(`${COUNT} ${COUNT}`);
          expect(digests.sort()).toEqual(stored(account));
        }
      });

      requireProgram('doveadm').it('doveadm, which finds the sizes of the stored octets', async () => {
        const sizes = maildirFiles(folder.maildir('tls')).map((path) => {
          const octets = readFileSync(path);
          return `size.physical=${octets.length} size.virtual=${withCrlf(octets).length}`;
        });
        expect((await doveadmSizes(folder.maildir('tls'))).sort()).toEqual(sizes.sort());
        expect(await doveadmSizes(folder.mbox('tls'))).toHaveLength(COUNT);
      });

      requireProgram('git').it(
        'git mailsplit --mboxrd --keep-cr, which gives the same octets back',
        async () => {
          const output = join(folder.path, 'split');
          mkdirSync(output);
          const args = ['mailsplit', '--mboxrd', '--keep-cr', `-o${output}`, folder.mbox('tls')];
          const { stdout } = await run('git', args);
          expect(Number(stdout)).toBe(COUNT);
          const digests = Array.from({ length: COUNT }, (_, index) => {
            const file = readFileSync(join(output, String(index + 1).padStart(4, '0')));
            // git keeps the separator line and the empty line that ends each message.
            return sha256(file.subarray(file.indexOf('\n') + 1, -1));
          });
          expect(digests.sort()).toEqual(stored('tls'));
        },
      );

      requireProgram('mutt', 'script').it('mutt', async () => {
        for (const place of [folder.maildir('tls'), folder.mbox('tls')]) {
          expect(await muttCount(place)).toBe(COUNT);
        }
      });

      requireProgram('notmuch').it(
        'notmuch, which leaves out as much of it as of the original messages',
        async () => {
          const original = join(folder.path, 'original');
          new MaildirDelivery(original).deliver(corpusMessages().map(({ octets }) => octets));
          const expected = await notmuchCount(original);
          expect(expected.indexed + expected.left).toBe(COUNT);
          expect(await notmuchCount(folder.maildir('tls'))).toEqual(expected);
        },
      );
    });

    /** Files that it indexed, and files that it says are no mail: those without From, To and Subject. */
    async function notmuchCount(maildir: string): Promise<{ indexed: number; left: number }> {
      const config = folder.write('notmuch', `[database]\npath=${maildir}\n[new]\ntags=new\n`);
      const env = { ...process.env, NOTMUCH_CONFIG: config, HOME: folder.path };
      const { stderr } = await run('notmuch', ['new'], { env, maxBuffer: 1 << 26 });
      const { stdout } = await run('notmuch', ['count', '--output=files', '*'], { env });
      return { indexed: Number(stdout), left: stderr.match(/Ignoring non-mail file/g)?.length ?? 0 };
    }

    /** Sizes as Dovecot reads them from a copy, since it moves messages from `new` to `cur`. It does not work as root. */
    async function doveadmSizes(archive: string): Promise<string[]> {
      const home = join(folder.path, `doveadm-${basename(archive)}`);
      const copy = join(home, 'archive');
      cpSync(archive, copy, { recursive: true });
      const isFile = statSync(copy).isFile();
      const place = isFile ? `mbox:${home}/mail:INBOX=${copy}` : `maildir:${copy}`;
      const owner = process.getuid?.() === 0 ? 65_534 : process.getuid?.();
      const settings = {
        ...{ base_dir: home, state_dir: home, log_path: `${home}/log`, ssl: 'no' },
        ...{ mail_location: `${place}:INDEX=${home}/index`, mail_uid: owner, mail_gid: owner },
        ...{ first_valid_uid: 1, first_valid_gid: 1 },
      };
      const config = join(home, 'dovecot.conf');
      writeFileSync(
        config,
        Object.entries(settings)
          .map((pair) => `${pair.join(' = ')}\n`)
          .join(''),
      );
      if (process.getuid?.() === 0) {
        await run('chmod', ['755', folder.path]);
        await run('chown', ['-R', String(owner), home]);
      }
      const env = { ...process.env, HOME: home, USER: 'archive' };
      const args = ['-c', config, '-f', 'flow', 'fetch', 'size.physical size.virtual', 'mailbox', 'INBOX'];
      const { stdout } = await run('doveadm', args, { env, maxBuffer: 1 << 26 });
      return stdout.trimEnd().split('\n');
    }

    /** What its status line says of the folder. */
    async function muttCount(place: string): Promise<number> {
      const config = folder.write(
        'muttrc',
        `set folder="${folder.path}"\nset header_cache=""\nset status_format="count=%m;"\n`,
      );
      const env = { ...process.env, TERM: 'xterm', HOME: folder.path, LC_ALL: 'C' };
      const command = `mutt -n -F '${config}' -R -f '${place}' -e 'push "<exit>"'`;
      // Without an end of its input `script` would wait for more of it.
      const args = ['-c', 'exec script -qec "$1" /dev/null </dev/null', 'sh', command];
      const { stdout } = await run('sh', args, { env, maxBuffer: 1 << 26, timeout: 30_000 });
      return Number(/count=(\d+);/.exec(stdout)?.[1]);
    }
  });
});
