/**
 * A store that is slower than the server: the session, which the server ends when it is silent, lives by NOOP, and memory does
 * not grow with the mailbox. It takes as long as the mail takes at the store's rate.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { tellFigure } from '../support/figures.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { S3Double } from '../support/s3-double.ts';

const MEGABYTE = 1_000_000;
/** The program asks NOOP after 20 s. */
const AUTOLOGOUT_MS = 30_000;
/** Two of them take a store of 1 MB/s longer than that. */
const SLOW_OCTETS = 18 * MEGABYTE;

let folder: JobFolder;
let store: S3Double;
let server: DemoServer;

beforeEach(async () => {
  folder = new JobFolder();
});

async function start(octetsPerSecond: number, large: readonly Buffer[]): Promise<void> {
  store = await S3Double.start({ octetsPerSecond });
  const users = [
    { name: 'small', password: PASSWORD, messages: messagesOf(3, 1000) },
    { name: 'large', password: PASSWORD, messages: large },
  ];
  server = await DemoServer.start({ users, idleMs: AUTOLOGOUT_MS });
}

afterEach(async () => {
  await server.close();
  await store[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function messagesOf(count: number, octets: number): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(`Subject: ${index} of ${octets}\r\n\r\n`.padEnd(octets, 'x0123456789abcdef\r\n')),
  );
}

async function archive(account: string): Promise<number> {
  const s3 = {
    bucket: store.bucket,
    endpoint: store.endpoint,
    security: 'plaintext',
    key: 'mail/{account}/{sha256}.eml',
    credentials: { accessKeyId: store.accessKeyId, secretAccessKey: { env: 'S3_SECRET' } },
  };
  const job = folder.writeJob(server.port, { accounts: [account], sinks: [{ s3 }] }, `${account}.yaml`);
  const { code, stderr, peakOctets } = await folder.run(['run', '--quiet', job], {
    env: { S3_SECRET: store.secretAccessKey },
    measuresPeak: true,
    deadlineMs: 280_000,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return peakOctets ?? Number.NaN;
}

/** Octets and number of what lies in the store for the large mailbox. */
function held(): { messages: number; octets: number } {
  const objects = [...store.objects].filter(([key]) => key.startsWith('mail/large/'));
  return {
    messages: objects.length,
    octets: objects.reduce((sum, [, { octets }]) => sum + octets.length, 0),
  };
}

it('a store that takes 1 MB/s does not let the session die', async () => {
  await start(MEGABYTE, messagesOf(2, SLOW_OCTETS));
  await archive('large');
  expect(held().messages).toBe(2);
  expect(server.record.count('NOOP')).toBeGreaterThan(0);
  // One session: the listing was asked for once.
  expect(server.record.count('UIDL')).toBe(1);
});

it('a store that is slower than the server does not make memory grow with the mailbox', async () => {
  await start(16 * MEGABYTE, messagesOf(800, MEGABYTE / 2));
  const least = await archive('small');
  const peak = await archive('large');
  const { messages, octets } = held();
  tellFigure(
    `slow store: ${(octets / MEGABYTE).toFixed(0)} MB at 16 MB/s, at most ${(peak / MEGABYTE).toFixed(0)} MB of memory, ` +
      `${(least / MEGABYTE).toFixed(0)} MB for next to nothing`,
  );
  expect(messages).toBe(800);
  expect(peak - least).toBeLessThan(octets / 2);
});
