/** Several sessions of an account as a user sees them: budgets, windows of the mailbox, and pipelining that breaks. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { pipeliningEnds } from '../../src/demo/misbehaviour.ts';
import { popWindow } from '../../src/demo/session-misbehaviour.ts';
import { storedDigests } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';

const MAIL = someMessages(40);
let folder: JobFolder;
let server: DemoServer;

beforeEach(async () => {
  folder = new JobFolder();
  server = await DemoServer.start({ users: [{ name: 'alice', password: PASSWORD, messages: MAIL }] });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

const write = (more: object): string => folder.writeJob(server.port, { accounts: ['alice'], ...more });

describe('mailferry run', () => {
  it('Q44: ends with 5 where the day’s octets are spent, and says from when it goes on', async () => {
    const job = write({ limits: { bytesPerDay: 1_000, messagesPerSession: 4 } });
    const { code, stdout, stderr } = await folder.run(['run', '-v', job]);
    expect({ code, stderr }).toMatchObject({ code: 5 });
    expect(stdout).toMatch(
      /alice: what the account may fetch in a day \(1000 octets\) is spent; it goes on from \d{4}-\d\d-\d\dT00:00:00Z/,
    );
    const again = await folder.run(['run', '--json', job]);
    expect(again.code).toBe(5);
    expect(parseEvents(again.stdout).find(({ event }) => event === 'account.finished')).toMatchObject({
      outcome: 'waiting',
      counts: { listed: 40, archivedNow: 0 },
      failure: { code: 'budget-day' },
    });
  });

  it('Q14: drains a mailbox of which the server shows a window at a time', async () => {
    server.misbehaviour.on(popWindow(15));
    const { code } = await folder.run(['run', write({ defaults: { drain: 'always' } })]);
    expect(code).toBe(0);
    const all = storedDigests(MAIL);
    expect(folder.archived('alice')).toEqual({ maildir: all, mbox: all });
  });

  it('Q49: tells that pipelining does not work with a host, and status shows until when it is not used', async () => {
    server.misbehaviour.on(pipeliningEnds());
    const job = write({});
    const { code, stderr } = await folder.run(['run', job]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/pipelining does not work with 127\.0\.0\.1 .*; it is not used there for 30 days/);
    const { stdout } = await folder.run(['status', job]);
    expect(stdout).toMatch(/127\.0\.0\.1: no pipelining until \S+.*, since it broke on/);
    const json = await folder.run(['status', '--json', job]);
    expect(JSON.parse(json.stdout)).toMatchObject({ pipeliningTroubles: [{ host: '127.0.0.1' }] });
  });
});
