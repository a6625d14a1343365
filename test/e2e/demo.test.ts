/** The quick start: what a newcomer types first. */

import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asReceived } from '../../src/demo/dot-stuffing.ts';
import { chunksOf, Mailbox } from '../../src/demo/mailbox.ts';
import { sampleUsers } from '../../src/demo/sample-mail.ts';
import { maildirDigests, mboxDigests, storedDigests } from '../support/archives.ts';
import { JobFolder, parseEvents } from '../support/job-folder.ts';

let folder: JobFolder;

beforeEach(() => {
  folder = new JobFolder();
});

afterEach(() => folder[Symbol.asyncDispose]());

async function sampleMessages(): Promise<Map<string, Buffer[]>> {
  const mail = new Map<string, Buffer[]>();
  for (const { name, messages = [] } of sampleUsers()) {
    const mailbox = messages instanceof Mailbox ? messages : new Mailbox(messages);
    const wires: Buffer[] = [];
    for (const { content } of mailbox.entries) {
      const chunks: Buffer[] = [];
      for await (const chunk of chunksOf(content)) chunks.push(chunk);
      wires.push(asReceived(Buffer.concat(chunks)));
    }
    mail.set(name, wires);
  }
  return mail;
}

describe('mailferry demo', () => {
  it('archives all sample mail into both sinks and then finds nothing new', async () => {
    const { code, stdout } = await folder.run(['demo', '--folder', 'here']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/First run.*done: 300 messages .* from 3 accounts.*Second run.*nothing new/s);
    for (const [name, wires] of await sampleMessages()) {
      const expected = storedDigests(wires);
      expect(maildirDigests(join(folder.path, 'here', 'archive', name))).toEqual(expected);
      expect(mboxDigests(join(folder.path, 'here', 'archive', `${name}.mbox`))).toEqual(expected);
    }
  });

  it('with --json prints JSON alone, and with --quiet nothing', async () => {
    const env = { TMPDIR: folder.path };
    const json = await folder.run(['demo', '--json'], { env });
    const runs = parseEvents(json.stdout).filter(({ event }) => event === 'run.finished');
    expect(runs).toMatchObject([
      { counts: { archivedNow: 300 } },
      { counts: { archivedNow: 0, archivedBefore: 300 } },
    ]);
    expect(await folder.run(['demo', '--quiet'], { env })).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('with --serve waits for clients, tells them where and how, and ends in order', async () => {
    const serving = folder.start(['demo', '--serve']);
    await serving.prints('stdout', 'Ctrl-C ends it.');
    serving.kill('SIGINT');
    const { code, stdout } = await serving.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^pop:\/\/127\.0\.0\.1:\d+ .*pops:\/\/127\.0\.0\.1:\d+\n/);
    expect(stdout).toContain('user alice, password alice-demo');
  });
});
