/** `verify` and `run --refetch missing` of an archive in S3, as a user runs them, after all that may happen in a bucket. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { sha256 } from '../support/archives.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD, parseEvents } from '../support/job-folder.ts';
import { type DoubleObject, S3Double } from '../support/s3-double.ts';

let folder: JobFolder;
let server: DemoServer;
let store: S3Double;
let job: string;

beforeEach(async () => {
  folder = new JobFolder();
  store = await S3Double.start();
  const users = ['alice', 'bob'].map((name, index) => ({
    name,
    password: PASSWORD,
    messages: someMessages(8 + index),
  }));
  server = await DemoServer.start({ users });
  job = folder.writeJob(server.port, { accounts: ['alice', 'bob'], sinks: [s3()] });
  expect(await run('run', '--quiet', job)).toMatchObject({ code: 0 });
});

afterEach(async () => {
  await server.close();
  await store[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const s3 = (): object => ({
  s3: {
    bucket: store.bucket,
    endpoint: store.endpoint,
    security: 'plaintext',
    key: 'mail/{account}/{sha256}.eml',
    credentials: { accessKeyId: store.accessKeyId, secretAccessKey: { env: 'S3_SECRET' } },
  },
});

const run = (...args: readonly string[]) => folder.run(args, { env: { S3_SECRET: store.secretAccessKey } });

function objectsOf(account: string): [string, DoubleObject][] {
  return [...store.objects].filter(([key]) => key.startsWith(`mail/${account}/`)).sort();
}

async function differences(): Promise<{ code: number | null; found: unknown[] }> {
  const { code, stdout } = await run('verify', '--json', job);
  const found = parseEvents(stdout).filter(({ event }) => event === 'message.differs');
  return { code, found: found.map(({ account, difference, location }) => [account, difference, location]) };
}

/** Takes a message away, spoils another, and puts something in that nobody knows. */
function damage(): { missing: string; changed: string; extra: string } {
  const [[missing] = [''], [changed, object] = ['']] = objectsOf('alice');
  store.objects.delete(missing);
  if (object === undefined) throw new Error('too few objects');
  object.octets = Buffer.concat([object.octets, Buffer.from('!')]);
  const extra = `mail/bob/${'0'.repeat(64)}.eml`;
  store.objects.set(extra, { octets: Buffer.from('?'), checksum: undefined, headers: {} });
  return { missing, changed, extra };
}

describe('verify of an archive in S3', () => {
  it('finds nothing where all is well, and puts nothing', async () => {
    const puts = store.requests('PUT');
    expect(await differences()).toEqual({ code: 0, found: [] });
    expect(store.requests('PUT')).toBe(puts);
  });

  it('tells what is missing, changed or extra, with 4', async () => {
    const { missing, changed, extra } = damage();
    const { code, found } = await differences();
    expect(code).toBe(4);
    expect(found.sort()).toEqual(
      [
        ['alice', 'missing', missing],
        ['alice', 'changed', changed],
        ['bob', 'extra', extra],
      ].sort(),
    );
  });

  it('compares the rest where keys may not be listed, and says so', async () => {
    damage();
    store.options = { canList: false };
    const { code, stderr } = await run('verify', job);
    expect(code).toBe(4);
    expect(stderr).toMatch(/may not be listed, so what no receipt names is not looked for.*s3:ListBucket/);
    const { found } = await differences();
    expect(found).toHaveLength(2);
  });

  it('does not take for extra what a run that was killed has put', async () => {
    server.mailbox('alice').append(Buffer.from('new\r\n'));
    const { signal } = await folder.run(['run', '--quiet', job], {
      env: { S3_SECRET: store.secretAccessKey, MAILFERRY_FAILPOINT: 'kill@sink.s3.proved:1' },
    });
    expect(signal).toBe('SIGKILL');
    expect(store.objects.has(`mail/alice/${sha256(Buffer.from('new\r\n'))}.eml`)).toBe(true);
    expect(await differences()).toEqual({ code: 0, found: [] });
    expect(await run('run', '--quiet', job)).toMatchObject({ code: 0 });
    expect(await differences()).toEqual({ code: 0, found: [] });
  });
});

describe('run --refetch missing into S3', () => {
  it('stores again what is missing, and beside it what is changed, which stays as it is', async () => {
    const { missing, changed, extra } = damage();
    store.objects.delete(extra);
    const spoilt = store.objects.get(changed)?.octets;
    const fetched = server.record.count('RETR');
    expect(await run('run', '--quiet', '--refetch', 'missing', job)).toMatchObject({ code: 0 });
    expect(server.record.count('RETR')).toBe(fetched + 2);
    expect(store.objects.has(missing)).toBe(true);
    expect(store.objects.get(changed)?.octets).toBe(spoilt);
    const beside = store.objects.get(changed.replace('.eml', '.1.eml'));
    expect(changed).toContain(sha256(beside?.octets ?? Buffer.alloc(0)));
    expect(await differences()).toEqual({ code: 0, found: [] });
    expect(await run('run', '--quiet', '--refetch', 'missing', job)).toMatchObject({ code: 0 });
    expect(server.record.count('RETR')).toBe(fetched + 2);
  });
});
