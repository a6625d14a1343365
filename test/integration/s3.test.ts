/**
 * The program against real object stores: Ceph, which keeps conditional puts and Object Lock, and Swift, which refuses the
 * one and ignores the other. What lies in the bucket is read by a client of the test's own.
 */
import { createHash } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { wireForm } from '../message/nasty-messages.ts';
import { startCeph } from '../services/ceph.ts';
import type { S3Server } from '../services/s3.ts';
import { startSwift } from '../services/swift.ts';
import { corpusMessages, whySkipCorpus } from '../support/corpus.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';
import { requireProgram } from '../support/programs.ts';
import { seededRandom } from '../support/random.ts';
import { openClient, PROBE_KEY } from '../support/s3-bed.ts';
import { readWireOctets } from './support/wire-octets.ts';

const sha256 = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');
const KILLS = 6;
/** About as many as a store takes in so many lives of half a second. */
const MANY = { ceph: 800, swift: 150 };
/** Swift takes ten messages a second, and to a store octets are octets: it gets every so-manieth of the corpus. */
const STRIDE = { ceph: 1, swift: 4 };

requireProgram('radosgw', 'ceph-mon', 'ceph-osd', 'ceph', 'python3').describe('Ceph', () =>
  describeStore(startCeph, 'ceph'),
);
requireProgram('swift-proxy-server', 'swift-object-server', 'swift-ring-builder', 'python3').describe(
  'Swift',
  () => describeStore(startSwift, 'swift'),
);

function describeStore(start: () => Promise<S3Server>, kind: 'ceph' | 'swift'): void {
  let store: S3Server;
  let client: S3Client;
  let folder: JobFolder;
  let bucket: string;
  let buckets = 0;

  beforeAll(async () => {
    store = await start();
    client = openClient(store);
  });

  afterAll(async () => {
    client?.destroy();
    await store?.stop();
  });

  beforeEach(async () => {
    folder = new JobFolder();
    buckets++;
    bucket = `mailferry-${buckets}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });

  afterEach(async () => {
    await folder[Symbol.asyncDispose]();
  });

  const s3 = (more: object = {}): object => ({
    s3: {
      bucket,
      endpoint: store.endpoint,
      security: 'plaintext',
      credentials: { accessKeyId: store.accessKeyId, secretAccessKey: { env: 'S3_SECRET' } },
      ...more,
    },
  });

  const run = (args: readonly string[]) => folder.run(args, { env: { S3_SECRET: store.secretAccessKey } });

  /** Key, size and time of every message's object. */
  async function list(prefix = 'mail/'): Promise<{ key: string; at: string }[]> {
    const found: { key: string; at: string }[] = [];
    let token: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
      );
      for (const { Key = '', LastModified } of page.Contents ?? []) {
        if (!Key.includes(PROBE_KEY)) found.push({ key: Key, at: String(LastModified?.toISOString()) });
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return found;
  }

  async function octetsOf(key: string): Promise<Uint8Array> {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  }

  /** Reads every object and compares it with its key and with what an independent reader gets off the wire. */
  async function expectHeld(server: DemoServer): Promise<void> {
    const place = { host: '127.0.0.1', port: server.port, user: 'alice', password: PASSWORD };
    const wire = (await readWireOctets(place)).map((message) => message.sha256);
    const keys = (await list()).map(({ key }) => key);
    const digests: string[] = [];
    for (const key of keys) {
      const digest = sha256(await octetsOf(key));
      expect(key).toContain(digest);
      digests.push(digest);
    }
    expect(new Set(keys.map((key) => key.replace(/-\d+\.eml$/, '.eml'))).size).toBe(new Set(digests).size);
    expect([...new Set(digests)].sort()).toEqual([...new Set(wire)].sort());
  }

  async function serve(messages: readonly Buffer[]): Promise<DemoServer> {
    return await DemoServer.start({ users: [{ name: 'alice', password: PASSWORD, messages }] });
  }

  it.skipIf(whySkipCorpus())(
    `takes ${kind === 'ceph' ? 'the whole' : 'a part of the'} corpus octet for octet, and a second run puts nothing`,
    async () => {
      const messages = corpusMessages()
        .filter((_, index) => index % STRIDE[kind] === 0)
        .map(({ octets }) => wireForm(octets));
      const server = await serve(messages);
      try {
        const job = folder.writeJob(server.port, {
          accounts: ['alice'],
          sinks: [{ maildir: './maildir/{account}' }, s3({ manifest: true })],
        });
        expect(await run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
        await expectHeld(server);
        const [manifest] = await list('manifest/');
        const lines = Buffer.from(await octetsOf(manifest?.key ?? ''))
          .toString()
          .trimEnd()
          .split('\n');
        expect(lines).toHaveLength(messages.length + 1);
        const before = await list('');
        expect(await run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
        expect(await list('')).toEqual(before);
      } finally {
        await server.close();
      }
    },
  );

  it(`killed ${KILLS} times at random points, ends with every message once`, async () => {
    const random = seededRandom(kind);
    const messages = someMessages(MANY[kind]);
    const server = await serve(messages);
    try {
      const job = folder.writeJob(server.port, { accounts: ['alice'], sinks: [s3({ manifest: true })] });
      let interrupted = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const running = folder.start(['run', '--json', job], { env: { S3_SECRET: store.secretAccessKey } });
        await running.prints('stdout', '"account.started"');
        // A random moment is what is wanted here; whichever is met, the outcome must be the same.
        const timer = setTimeout(() => running.kill('SIGKILL'), random(600));
        interrupted += (await running.ended).code === null ? 1 : 0;
        clearTimeout(timer);
      }
      // With fewer messages than these lives take, the last ones would end by themselves.
      expect(interrupted).toBeGreaterThan(KILLS / 2);
      expect(await run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
      await expectHeld(server);
      expect(await list()).toHaveLength(messages.length);
      const listed = new Set<string>();
      for (const { key } of await list('manifest/')) {
        const text = Buffer.from(await octetsOf(key))
          .toString()
          .trimEnd();
        for (const line of text.split('\n').slice(1)) listed.add(JSON.parse(line).key);
      }
      expect(listed.size).toBe(messages.length);
    } finally {
      await server.close();
    }
  });

  it('is verified: what is missing, and what nobody knows, whatever its key holds', async () => {
    const server = await serve(someMessages(5));
    try {
      const job = folder.writeJob(server.port, { accounts: ['alice'], sinks: [s3()] });
      expect(await run(['run', '--quiet', job])).toMatchObject({ code: 0, stderr: '' });
      expect(await run(['verify', '--quiet', job])).toMatchObject({ code: 0 });
      const [{ key: missing } = { key: '' }] = await list();
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: missing }));
      const extra = missing.replace(/[^/]*$/, 'a+b & 100% ü.txt');
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: extra, Body: 'extra' }));
      const { code, stdout } = await run(['verify', '--json', job]);
      const found = parseEvents(stdout).filter(({ event }) => event === 'message.differs');
      expect([code, found.map(({ difference, location }) => [difference, location])]).toEqual([
        4,
        [
          ['missing', missing],
          ['extra', extra],
        ],
      ]);
    } finally {
      await server.close();
    }
  });

  it('is shown by probe as what it is', async () => {
    const server = await serve([]);
    try {
      const job = folder.writeJob(server.port, { accounts: ['alice'], sinks: [s3()] });
      const { code, stdout } = await run(['probe', job]);
      expect(code).toBe(0);
      const conditions = kind === 'ceph' ? /If-None-Match +kept/ : /If-None-Match +not supported \(501\)/;
      expect(stdout).toMatch(conditions);
      expect(stdout).toMatch(/SHA-256 +not given back/);
      expect(stdout).toMatch(/proved by getting it back/);
      expect(stdout).not.toContain(store.secretAccessKey);
    } finally {
      await server.close();
    }
  });

  it('that is wrong about a secret ends with what to do, and leaves all mail on the server', async () => {
    const server = await serve(someMessages(3));
    try {
      const job = folder.writeJob(server.port, { accounts: ['alice'], sinks: [s3()] });
      const { code, stderr } = await folder.run(['run', job], { env: { S3_SECRET: 'wrong-secret' } });
      expect(code).toBe(3);
      expect(stderr).toMatch(/credentials/);
      expect(stderr).not.toContain('wrong-secret');
    } finally {
      await server.close();
    }
  });

  it(
    kind === 'ceph' ? 'locks objects, and the lock shows' : 'ignores Object Lock, which ends the sink',
    async () => {
      const locked = `${bucket}-locked`;
      await client.send(
        new CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: kind === 'ceph' }),
      );
      const server = await serve(someMessages(1));
      try {
        const lock = { bucket: locked, objectLock: { mode: 'governance', retain: '1d' } };
        const job = folder.writeJob(server.port, { accounts: ['alice'], sinks: [s3(lock)] });
        const { code, stderr } = await run(['run', '--quiet', job]);
        if (kind === 'swift') {
          expect(code).toBe(3);
          expect(stderr).toMatch(/should be locked/);
          return;
        }
        expect(code).toBe(0);
        const [object] =
          (await client.send(new ListObjectsV2Command({ Bucket: locked, Prefix: 'mail/' }))).Contents?.filter(
            ({ Key }) => !Key?.includes(PROBE_KEY),
          ) ?? [];
        const head = await client.send(new HeadObjectCommand({ Bucket: locked, Key: object?.Key ?? '' }));
        expect(head.ObjectLockMode).toBe('GOVERNANCE');
      } finally {
        await server.close();
      }
    },
  );
}
