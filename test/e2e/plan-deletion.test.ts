/** `plan` and `status` of a job that deletes at the source: what would go, why the rest would stay, what is under way. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
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

const writeJob = (keys: object = {}) => folder.writeJob(server.port, { accounts: ['alice'], ...keys });

async function deletionPlan(job: string): Promise<unknown> {
  const { code, stdout } = await folder.run(['plan', '--json', job]);
  expect(code).toBe(0);
  const [plan] = parseEvents(stdout);
  return plan?.['deletion'];
}

const left = (): number => server.mailbox('alice').entries.length;

describe('plan', () => {
  it('of a job that deletes nothing says nothing of it', async () => {
    const job = writeJob();
    const { stdout } = await folder.run(['plan', '--verbose', job]);
    expect(stdout).not.toMatch(/delete|stay/);
    expect(await deletionPlan(job)).toBeNull();
  });

  it('says what the run that follows does, asks for no DELE and writes nothing', async () => {
    const job = writeJob({ delete: { age: 0, max: 5 }, keep: { newest: 2 } });
    const { code, stdout } = await folder.run(['plan', job]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/to delete +stay: keep\.newest +stay: delete\.max\n/);
    expect(stdout).toMatch(/\nalice +10 +0 +10 +.* 5 +2 +3\n/);
    expect(server.record.count('DELE')).toBe(0);
    expect(folder.files()).toEqual(['job.yaml']);
    await folder.run(['run', '--quiet', job]);
    expect(left()).toBe(5);
  });

  it('with --verbose names each message with what becomes of it', async () => {
    await folder.run(['run', '--quiet', writeJob()]);
    server.mailbox('alice').append(...someMessages(1, 'late'));
    const job = writeJob({ delete: { age: 0 }, keep: { newest: 0 } });
    const { stdout } = await folder.run(['plan', '--verbose', job]);
    expect(stdout).toMatch(/\nAt the source:\naccount +unique-id +size +then\n/);
    expect(stdout).toMatch(/\nalice +demo-00000001 +\d+ B +deleted; would be proved first\n/);
    expect(stdout).toMatch(/\nalice +demo-00000011 +\d+ B +deleted; would be fetched and proved first\n/);
    await folder.run(['run', '--quiet', job]);
    expect(left()).toBe(0);
  });

  it('tells what is proved and too young from what is to be proved', async () => {
    const job = writeJob({ delete: { age: '7d' } });
    await folder.run(['run', '--quiet', job]);
    expect(await deletionPlan(job)).toMatchObject({
      due: [],
      keptBy: { 'delete.age': 10 },
      exceededPercent: null,
    });
    const eager = writeJob({ delete: { age: 0 } });
    expect(await deletionPlan(eager)).toMatchObject({
      due: Array.from({ length: 10 }, (_, index) => ({ number: index + 1, first: 'nothing' })),
      keptBy: {},
    });
  });

  it('shows what maxPercent would keep from being deleted', async () => {
    const job = writeJob({ delete: { age: 0, maxPercent: 50 } });
    const { stdout } = await folder.run(['plan', job]);
    expect(stdout).toMatch(
      /\nalice: 100\.0 % of the listed messages are due for deletion, more than delete\.maxPercent/,
    );
    expect(await deletionPlan(job)).toMatchObject({ due: [], keptBy: { 'delete.maxPercent': 10 } });
    expect((await folder.run(['run', '--quiet', job])).code).toBe(3);
    expect(left()).toBe(10);
  });

  it('keeps what cannot be told apart, as the run does', async () => {
    server.misbehaviour.on(wrong.duplicateUidls([3, 4]));
    const job = writeJob({ delete: { age: 0 } });
    expect(await deletionPlan(job)).toMatchObject({ keptBy: { ambiguous: 2 } });
    await folder.run(['run', '--quiet', job]);
    expect(left()).toBe(2);
  });

  it('without unique-ids lets go only what the run would fetch itself', async () => {
    await folder.run(['run', '--quiet', writeJob()]);
    server.misbehaviour.on(wrong.noUidl());
    const job = writeJob({ delete: { age: 0 } });
    const plan = await deletionPlan(job);
    await folder.run(['run', '--quiet', job]);
    expect(plan).toMatchObject({ due: { length: 10 - left() } });
  });
});

describe('status', () => {
  it('shows what was asked to be deleted and is not confirmed', async () => {
    const job = writeJob({ delete: { age: 0, max: 4 } });
    await folder.run(['run', '--quiet', job]);
    const { stdout } = await folder.run(['status', job]);
    expect(stdout).toMatch(/quarantined +in deletion +last run/);
    expect(stdout).toMatch(/\nalice +10 .* 0 +0 +0 +4 +\d{4}-/);
    const json = await folder.run(['status', '--json', job]);
    expect(parseEvents(json.stdout)).toMatchObject([
      { accounts: [{ byState: { 'deletion-requested': 0, 'deletion-answered': 4, verified: 6 } }] },
    ]);
    await folder.run(['run', '--quiet', writeJob({ delete: { age: 0, max: 0 } })]);
    expect((await folder.run(['status', job])).stdout).toMatch(/\nalice +10 .* 0 +0 +0 +0 +\d{4}-/);
  });
});
