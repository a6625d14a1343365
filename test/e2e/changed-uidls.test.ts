/** A server that was moved, as its user sees it: run, plan and status say so, nothing is twice, nothing is deleted at once. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';

let folder: JobFolder;
let server: DemoServer;

beforeEach(async () => {
  folder = new JobFolder();
  server = await DemoServer.start({
    users: [{ name: 'alice', password: PASSWORD, messages: someMessages(10) }],
  });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

it('Q12: a moved server is told in plan, run and status; nothing is fetched, stored or deleted; the next night goes on', async () => {
  const job = folder.writeJob(server.port, { accounts: ['alice'], delete: { age: 0 }, keep: { newest: 3 } });
  expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0 });
  const mailbox = server.mailbox('alice');
  mailbox.replaceEntries((entries) => entries.map((entry, index) => ({ ...entry, uidl: `moved-${index}` })));
  mailbox.append(...someMessages(2, 'fresh'));
  const before = folder.archived('alice').maildir;

  const plan = await folder.run(['plan', job]);
  expect(plan.code).toBe(0);
  expect(plan.stderr).toContain('other unique-ids than before; was it moved?');
  expect(plan.stdout).toMatch(/to delete +stay: unique-ids changed\n/);
  expect(plan.stdout).toMatch(/\nalice +5 +3 +2 .* 0 +5\n/);
  const [planned] = parseEvents((await folder.run(['plan', '--json', job])).stdout);
  expect(planned).toMatchObject({ uidls: { kind: 'changed', followed: 3 }, deletion: { due: [] } });

  const run = await folder.run(['run', '--json', job]);
  expect(run.code).toBe(0);
  const warnings = parseEvents(run.stdout).filter(({ level }) => level === 'warn');
  expect(warnings).toMatchObject([
    { account: 'alice', text: expect.stringContaining('nothing is deleted in this run') },
  ]);
  expect(mailbox.entries).toHaveLength(5);
  expect(folder.archived('alice').maildir).toHaveLength(before.length + 2);
  expect(server.record.count('RETR')).toBe(12);

  const { stdout } = await folder.run(['status', job]);
  expect(stdout).toMatch(
    /\nalice: the server changed its unique-ids \(seen .*\): 3 archived messages follow the new ones\n/,
  );
  const [status] = parseEvents((await folder.run(['status', '--json', job])).stdout);
  expect(status).toMatchObject({
    accounts: [{ uidlChange: { followed: 3, settledAt: expect.any(Number) } }],
  });

  const next = await folder.run(['run', '--json', job]);
  expect(next.code).toBe(0);
  expect(next.stdout).not.toContain('unique-ids');
  expect(mailbox.entries.map(({ uidl }) => uidl)).toEqual(['moved-2', 'demo-00000011', 'demo-00000012']);
  expect(server.record.count('RETR')).toBe(12);
}, 60_000);
