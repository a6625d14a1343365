/** Archives that other programs changed between two runs: what is said of it, and whose archive it is. */
import { truncateSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';

let folder: JobFolder;
let server: DemoServer;

beforeEach(async () => {
  folder = new JobFolder();
  server = await DemoServer.start({
    users: [{ name: 'alice', password: PASSWORD, messages: someMessages(3) }],
  });
});

afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

it('an mbox that another program made shorter is warned of, with its account and its path', async () => {
  const job = folder.writeJob(server.port, { accounts: ['alice'] });
  await folder.run(['run', '--quiet', job]);
  truncateSync(folder.mbox('alice'), 0);
  server.mailbox('alice').append(...someMessages(1, 'new'));
  const { code, stderr } = await folder.run(['run', '--json', job]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: alice: .*alice\.mbox has 0 octets, .*another program rewrote it/);
});
