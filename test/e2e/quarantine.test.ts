/** A message that fails again and again, as its operator sees it: runs, status, plan, retry. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { Mailbox } from '../../src/demo/mailbox.ts';
import { refused, stoppedAfter } from '../../src/demo/misbehaviour.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';

const MESSAGES = someMessages(5, 'confidential');
const WELL = MESSAGES.filter((_, index) => index !== 1 && index !== 3);

let folder: JobFolder;
let server: DemoServer;
let mailbox: Mailbox;
let job: string;

beforeEach(async () => {
  folder = new JobFolder();
  mailbox = new Mailbox(MESSAGES);
  server = await DemoServer.start({
    users: [{ name: 'alice', password: PASSWORD, messages: mailbox }],
    misbehaviour: [
      refused({ verb: 'RETR', message: 2 }, '-ERR cannot convert this one'),
      stoppedAfter({ verb: 'RETR', message: 4 }, 40, 'fin'),
    ],
  });
  job = folder.writeJob(server.port, { accounts: ['alice'], limits: { attempts: 2 } });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

interface Quarantined {
  readonly uidl: string;
  readonly attempts: number;
  readonly unlistedAt: number | null;
  readonly kept: { readonly notePath: string; readonly partPath: string | null } | null;
}

async function quarantined(): Promise<readonly Quarantined[]> {
  const { code, stdout } = await folder.run(['status', '--json', job]);
  expect(code).toBe(0);
  // What status prints, as its own types have it.
  return (JSON.parse(stdout) as { quarantined: Quarantined[] }).quarantined;
}

const keptFiles = (): string[] => {
  const place = join(folder.path, 'state', 'quarantine');
  return existsSync(place)
    ? readdirSync(place, { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [entry.name] : [],
      )
    : [];
};

describe('a message that is refused, and one at which the session is cut, in each run', () => {
  it('Q25, Q30, RFC-24, RFC-56: are set aside, shown by status and plan, and keep exit code 3 without being asked for', async () => {
    expect((await folder.run(['run', job])).code).toBe(3);
    expect(await quarantined()).toEqual([]);
    const second = await folder.run(['run', job]);
    expect(second.code).toBe(3);
    expect(second.stdout).toMatch(/message "demo-00000002" is quarantined: .*"cannot convert this one"/);
    expect(second.stdout).toMatch(/2 messages quarantined: "mailferry status JOB" says why/);
    const asked = server.record.count('RETR');
    const third = await folder.run(['run', '--quiet', job]);
    expect(third).toMatchObject({ code: 3, stdout: '' });
    expect(third.stderr).toMatch(
      /^error: alice: 2 messages quarantined \("mailferry status" says why\) of 5 listed.*\n$/,
    );
    expect(server.record.count('RETR')).toBe(asked);
    expect(folder.archived('alice')).toEqual({ maildir: storedDigests(WELL), mbox: storedDigests(WELL) });

    const shown = await folder.run(['status', job]);
    expect(shown.stdout).toMatch(/Quarantined, 2 messages; "mailferry run --retry quarantined JOB"/);
    expect(shown.stdout).toMatch(/alice: message "demo-00000004", 2 attempts, first seen 2\d\d\d-/);
    expect(shown.stdout).toMatch(
      /why: .*\[connection-closed\]\n +arrived: \d+ octets \(listed: \d+\), \/.*\.part\n/,
    );
    const planned = await folder.run(['plan', '--verbose', job]);
    expect(planned.code).toBe(0);
    expect(planned.stdout).toMatch(/demo-00000002 .* quarantined: not fetched/);
    const retried = await folder.run(['plan', '--json', '--retry', 'quarantined', job]);
    expect(parseEvents(retried.stdout)[0]).toMatchObject({ quarantined: 0, setAside: [], wanted: [{}, {}] });
  });

  it('leave what arrived beside a note, in the state folder alone', async () => {
    await folder.run(['run', job]);
    await folder.run(['run', job]);
    const [refusal, cut] = (await quarantined()).toSorted((a, b) => (a.uidl < b.uidl ? -1 : 1));
    const part = readFileSync(cut?.kept?.partPath ?? '', 'latin1');
    expect(part.length).toBeGreaterThan(10);
    expect(MESSAGES[3]?.toString('latin1').startsWith(part)).toBe(true);
    expect(refusal?.kept).toMatchObject({ partPath: null });
    expect(JSON.parse(readFileSync(refusal?.kept?.notePath ?? '', 'utf8'))).toMatchObject({
      account: 'alice',
      uidl: 'demo-00000002',
      receivedOctets: 0,
      attempts: 2,
      serverText: 'cannot convert this one',
    });
    expect(keptFiles()).toHaveLength(3);
  });

  it('are archived by --retry quarantined once they are well, and then nothing is left of it', async () => {
    await folder.run(['run', job]);
    await folder.run(['run', job]);
    expect((await folder.run(['run', '--retry', 'quarantined', job])).code).toBe(3);
    expect((await quarantined()).map(({ attempts }) => attempts)).toEqual([3, 3]);
    server.misbehaviour.allOff();
    expect((await folder.run(['run', job])).code).toBe(3);
    expect((await folder.run(['run', '--retry', 'quarantined', job])).code).toBe(0);
    expect(folder.archived('alice').maildir).toEqual(storedDigests(MESSAGES));
    expect(await quarantined()).toEqual([]);
    expect(keptFiles()).toEqual([]);
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('Q31: that are not listed any more are shown as such, with what arrived, and fail no run', async () => {
    await folder.run(['run', job]);
    await folder.run(['run', job]);
    server.misbehaviour.allOff();
    mailbox.replaceEntries((entries) => entries.filter(({ uidl }) => uidl !== 'demo-00000004'));
    expect((await folder.run(['run', job])).code).toBe(3);
    mailbox.replaceEntries((entries) => entries.filter(({ uidl }) => uidl !== 'demo-00000002'));
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stdout: '' });
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const { stdout } = await folder.run(['status', job]);
    expect(stdout.match(/not listed since/g)).toHaveLength(2);
    expect(keptFiles()).toHaveLength(3);
  });

  it('show nothing of their content in the most verbose log, the trace, the events or the ledger', async () => {
    const wire = join(folder.path, 'wire.log');
    const outputs: string[] = [];
    for (const flags of [['--log-level', 'trace'], ['--json', '--log-level', 'trace'], ['--verbose']]) {
      const { stdout, stderr } = await folder.run(['run', ...flags, '--trace', wire, job]);
      outputs.push(stdout, stderr);
    }
    outputs.push((await folder.run(['status', job])).stdout, readFileSync(wire, 'latin1'));
    outputs.push(readFileSync(join(folder.path, 'state', 'ledger.db'), 'latin1'));
    outputs.push(...(await quarantined()).map(({ kept }) => readFileSync(kept?.notePath ?? '', 'utf8')));
    expect(outputs.join('\n')).not.toMatch(/confidential/);
  });
});
