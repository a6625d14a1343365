/** Messages that break archivers arrive in both sinks as they went over the wire, and a large one needs little memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { platform } from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { largeMessage } from '../../src/demo/sample-mail.ts';
import { maildirFiles, storedDigests } from '../support/archives.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { NASTY_MESSAGES } from '../support/nasty-messages.ts';

let folder: JobFolder;

beforeEach(() => {
  folder = new JobFolder();
});

afterEach(() => folder[Symbol.asyncDispose]());

/** What a client has of a message: the terminator must stand on a line of its own, so a missing CRLF is added (RFC 1939 §3). */
function onTheWire(octets: Buffer): Buffer {
  return octets.length === 0 || octets.subarray(-2).toString('latin1') === '\r\n'
    ? octets
    : Buffer.concat([octets, Buffer.from('\r\n')]);
}

describe.each([
  ['plaintext', '64MiB'],
  ['plaintext', 0],
  ['starttls', '64MiB'],
  ['tls', '64MiB'],
] as const)('over a line secured by %s, with %s for large messages', (security, memory) => {
  it('Q22, Q28, RFC-55: every nasty message arrives octet for octet, and the second run fetches none', async () => {
    const messages = NASTY_MESSAGES.map(({ octets }) => octets);
    await using server = await DemoServer.start({
      users: [{ name: 'alice', password: PASSWORD, messages }],
      security,
    });
    const ca = security === 'plaintext' ? undefined : folder.write('ca.pem', server.authorityPem);
    const defaults = { security, ...(ca !== undefined && { tls: { ca } }) };
    const job = folder.writeJob(server.port, { accounts: ['alice'], defaults, limits: { memory } });
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    const expected = storedDigests(messages.map(onTheWire));
    expect(folder.archived('alice')).toEqual({ maildir: expected, mbox: expected });
    const fetched = server.record.count('RETR');
    expect(fetched).toBe(messages.length);
    expect(await folder.run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
    expect(server.record.count('RETR')).toBe(fetched);
    expect(folder.archived('alice')).toEqual({ maildir: expected, mbox: expected });
  });
});

it.skipIf(platform !== 'linux')('a body of 100 MB needs less than 200 MB of memory', async () => {
  const large = largeMessage(100_000_000);
  await using server = await DemoServer.start({
    users: [{ name: 'alice', password: PASSWORD, messages: [large] }],
  });
  const job = folder.writeJob(server.port, { accounts: ['alice'] });
  const { code, stderr, peakOctets } = await folder.run(['run', '--quiet', job], { measuresPeak: true });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(peakOctets).toBeLessThan(200_000_000);
  const stored = createHash('sha256');
  for (const chunk of large.chunks() as Iterable<Buffer>) {
    stored.update(chunk.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  }
  const digest = stored.digest('hex');
  expect(await digestOfFile(maildirFiles(folder.maildir('alice'))[0] ?? '')).toBe(digest);
  expect(folder.archived('alice')).toEqual({ maildir: [digest], mbox: [digest] });
});

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
