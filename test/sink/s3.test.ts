/** The S3 sink against a store that misbehaves: each failure ends as the sink's contract and its documentation say. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import { PageStock } from '../../src/message/pages.ts';
import { openSpool } from '../../src/message/spool.ts';
import type { S3Clock, S3SinkOptions } from '../../src/sink/s3/options.ts';
import type { StoreOutcome } from '../../src/sink/sink.ts';
import { ALICE, MemoryJournal, NO_ABORT, receiptsOf, S3Bed, storable } from '../support/s3-bed.ts';
import { type DoubleOptions, type Mischief, S3Double } from '../support/s3-double.ts';

const ONE = 'Subject: one\r\n\r\nfirst\r\n';

describe('the S3 sink', () => {
  let double: S3Double;
  let bed: S3Bed;
  let slept: number[];
  let clock: S3Clock;

  const start = async (options: DoubleOptions = {}): Promise<void> => {
    await bed?.[Symbol.asyncDispose]();
    await double?.[Symbol.asyncDispose]();
    double = await S3Double.start(options);
    bed = await S3Bed.make(double, double.bucket);
  };

  beforeEach(async () => {
    slept = [];
    let now = Date.UTC(2026, 0, 1);
    clock = {
      now: () => now,
      random: () => 0.5,
      sleep: async (ms) => {
        slept.push(ms);
        now += ms;
      },
    };
    await start();
  });

  afterEach(async () => {
    await bed[Symbol.asyncDispose]();
    await double[Symbol.asyncDispose]();
  });

  /** What a run has that finds the abilities already known. */
  const probed = async (more: Partial<S3SinkOptions> = {}): Promise<void> => {
    const sink = bed.sink({ clock, ...more });
    await sink.probe(NO_ABORT);
    await sink.close();
    double.seen.length = 0;
  };

  const store = (more: Partial<S3SinkOptions> = {}, octets = ONE): Promise<readonly StoreOutcome[]> =>
    bed.store([storable(octets)], { clock, ...more });

  const errorOf = async (outcomes: Promise<readonly StoreOutcome[]>): Promise<MailferryError> => {
    const failed = await outcomes.then(
      ([outcome]) => (outcome?.kind === 'failed' ? outcome.error : undefined),
      (thrown: unknown) => thrown,
    );
    if (!(failed instanceof MailferryError)) throw new Error('it did not fail');
    return failed;
  };

  const messages = (): string[] =>
    [...double.objects]
      .filter(([, { headers }]) => headers['x-amz-meta-mailferry-sha256'])
      .map(([, { octets }]) => octets.toString());

  it('puts a message in one request and proves it in another', async () => {
    await probed();
    const [receipt] = receiptsOf(await store());
    expect(receipt).toMatchObject({ proof: 'checksum', form: 'exact', storedOctets: ONE.length });
    expect(double.seen.map(({ method }) => method)).toEqual(['PUT', 'HEAD']);
    const [put] = double.seen;
    expect(put?.headers).toMatchObject({
      'content-type': 'message/rfc822',
      'if-none-match': '*',
      'content-length': String(ONE.length),
      'x-amz-meta-mailferry-format': '1',
      'x-amz-meta-mailferry-uidl': 'u1',
    });
    expect(put?.headers['x-amz-content-sha256']).toMatch(/^[0-9a-f]{64}$/);
  });

  const proving: readonly [string, DoubleOptions, readonly string[]][] = [
    ['its checksum', { hasMd5Etags: false }, ['PUT']],
    ['the MD5 of a body that was signed', { hasChecksums: false }, ['PUT']],
    ['no checksum and no MD5', { hasChecksums: false, hasMd5Etags: false }, ['PUT', 'GET']],
    [
      'the MD5 of a body that it compares with nothing',
      { hasChecksums: false, ignoresSignatures: true },
      ['PUT', 'GET'],
    ],
  ];

  it.each(proving)('without reading back, where the put is answered with %s', async (_, options, asked) => {
    await start(options);
    await probed();
    const [receipt] = receiptsOf(await store({ verify: 'answer' }));
    expect(double.seen.map(({ method }) => method)).toEqual(asked);
    expect(receipt?.proof).toBe(asked.length === 1 ? 'synced' : 'readback');
    const [again] = receiptsOf(await store({ verify: 'answer' }));
    expect(again?.proof).toBe(options.hasChecksums === false ? 'readback' : 'checksum');
  });

  it('without reading back, looks all the same where the answer is not about what was sent', async () => {
    await start({ hasChecksums: false });
    await probed();
    double.misbehave('PUT', { kind: 'spoilt' });
    expect(await errorOf(store({ verify: 'answer' }))).toMatchObject({ code: 's3-changed' });
  });

  it('without reading back, looks all the same at settings', async () => {
    await probed();
    const lock = { mode: 'COMPLIANCE', retainMs: 86_400_000 } as const;
    expect(await errorOf(store({ lock, verify: 'answer' }))).toMatchObject({ code: 's3-setting-ignored' });
  });

  it('without reading back, cannot know of a store that answers and then does not have it', async () => {
    await probed();
    double.misbehave('PUT', { kind: '200-and-lost' });
    const [receipt] = receiptsOf(await store({ verify: 'answer' }));
    expect(receipt?.proof).toBe('synced');
    expect(messages()).toEqual([]);
  });

  it('asks anew what it may do where it comes with other credentials', async () => {
    await probed();
    double.options = { accessKeyId: 'reader' };
    const credentials = async () => ({ accessKeyId: 'reader', secretAccessKey: 'secret' });
    receiptsOf(await store({ store: { ...bed.sinkStore, credentials } }));
    expect(double.requests('PUT')).toBeGreaterThan(1);
    double.seen.length = 0;
    receiptsOf(await store({ store: { ...bed.sinkStore, credentials } }, 'another\r\n'));
    expect(double.requests('PUT')).toBe(1);
  });

  it('tells nobody’s address in keys and metadata', async () => {
    await probed();
    await store();
    for (const { key, headers } of double.seen) {
      expect(`${key} ${JSON.stringify(headers)}`).not.toMatch(/alice|example\.org|subject/i);
    }
  });

  it.each([
    ['a spool file', 0],
    ['pages', 4_194_304],
  ])('streams a message in %s with its length and digest, and again after a failure', async (_, octets) => {
    await probed();
    const options = { memoryLimitOctets: 0, pages: new PageStock(octets) };
    const incoming = openSpool(`${bed.folder}/spool`, options).receive();
    incoming.write(Buffer.alloc(3_000_000, 'spooled\r\n'));
    const message = incoming.finish();
    double.misbehave('PUT', { kind: 'reset-in-body' });
    const [receipt] = receiptsOf(await bed.store([{ uidl: 's', copy: 0, message }], { clock }));
    expect(receipt).toMatchObject({ proof: 'checksum', storedOctets: 3_000_000 });
    expect(double.requests('PUT')).toBe(2);
  });

  const passing: readonly [string, 'PUT' | 'HEAD', Mischief][] = [
    ['a 500 to the put', 'PUT', { kind: 'answer', status: 500, code: 'InternalError' }],
    ['SlowDown', 'PUT', { kind: 'answer', status: 503, code: 'SlowDown' }],
    ['a conflict of two puts', 'PUT', { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' }],
    ['silence before the commit', 'PUT', { kind: 'silence-before' }],
    ['silence after the commit', 'PUT', { kind: 'silence-after' }],
    ['a connection cut in the body', 'PUT', { kind: 'reset-in-body' }],
    ['a connection cut after the commit', 'PUT', { kind: 'reset-after' }],
    ['a 200 for nothing', 'PUT', { kind: '200-and-lost' }],
    ['a 500 to the look', 'HEAD', { kind: 'answer', status: 500, code: '' }],
    ['silence at the look', 'HEAD', { kind: 'silence-before' }],
  ];

  it.each(passing)('gets over %s: the message is there once, with a receipt', async (_, method, mischief) => {
    await probed();
    double.misbehave(method, mischief, 2);
    const place = { ...bed.sinkStore, timeouts: { connectMs: 1_000, idleMs: 150 } };
    const [receipt] = receiptsOf(await store({ store: place }));
    expect(receipt?.proof).toBe('checksum');
    expect(messages()).toEqual([ONE]);
    expect(slept.length).toBeGreaterThan(0);
  });

  it('backs off further each time, and leaves the rest to the next run when it does not pass', async () => {
    await probed();
    double.misbehave('PUT', { kind: 'answer', status: 503, code: 'SlowDown' }, 1000);
    expect(await errorOf(store())).toMatchObject({ code: 's3-unreachable', scope: 'sink', retry: 'later' });
    expect(slept.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(double.requests('PUT')).toBeLessThanOrEqual(10);
  });

  it('gives a store up that takes everything and has nothing', async () => {
    await probed();
    double.misbehave('PUT', { kind: '200-and-lost' }, 1000);
    expect(await errorOf(store())).toMatchObject({ code: 's3-lost', scope: 'sink', retry: 'later' });
  });

  it('gives no receipt where the store tells another checksum', async () => {
    await probed();
    double.misbehave('HEAD', { kind: 'wrong-checksum' }, 1000);
    expect(await errorOf(store())).toMatchObject({ code: 's3-changed', scope: 'message' });
  });

  it('takes a key that holds the same octets for stored, without overwriting it', async () => {
    await probed();
    const [first] = receiptsOf(await store());
    const [second] = receiptsOf(await store());
    expect(second?.location).toBe(first?.location);
    expect(second?.proof).toBe('checksum');
    expect(messages()).toHaveLength(1);
  });

  it('never overwrites other octets under its key', async () => {
    await probed();
    const [receipt] = receiptsOf(await store());
    const held = double.objects.get(receipt?.location ?? '');
    if (held === undefined) throw new Error('it is not there');
    held.octets = Buffer.from('another');
    held.checksum = 'f'.repeat(64);
    expect(await errorOf(store())).toMatchObject({ code: 's3-conflict', scope: 'message', retry: 'never' });
    expect(held.octets.toString()).toBe('another');
  });

  const fatal: readonly [string, number, string, Partial<MailferryError>][] = [
    ['no permission', 403, 'AccessDenied', { code: 's3-denied', retry: 'never' }],
    ['no bucket', 404, 'NoSuchBucket', { code: 's3-no-bucket', retry: 'never' }],
    ['no KMS key', 400, 'KMS.NotFoundException', { code: 's3-kms', retry: 'never' }],
    ['no room', 403, 'QuotaExceeded', { code: 's3-full', retry: 'never' }],
    ['another region', 301, 'PermanentRedirect', { code: 's3-region', retry: 'never' }],
    ['an unknown storage class', 400, 'InvalidStorageClass', { code: 's3-setting-refused', retry: 'never' }],
  ];

  it.each(fatal)('ends with what is missing: %s', async (_, status, code, expected) => {
    await probed();
    double.misbehave('PUT', { kind: 'answer', status, code }, 1000);
    const error = await errorOf(store());
    expect(error).toMatchObject({ scope: 'sink', ...expected });
    expect(error.hint).toBeTruthy();
    expect(double.requests('PUT')).toBe(1);
  });

  it('fetches credentials that have expired again', async () => {
    await probed();
    double.options = { accessKeyId: 'rotated' };
    let asked = 0;
    const credentials = async () => {
      asked++;
      return { accessKeyId: asked === 1 ? 'double' : 'rotated', secretAccessKey: 'secret' };
    };
    const [receipt] = receiptsOf(await store({ store: { ...bed.sinkStore, credentials } }));
    expect(receipt?.proof).toBe('checksum');
    expect(asked).toBe(2);
  });

  it('ends where new credentials are no better', async () => {
    await probed();
    double.options = { accessKeyId: 'other' };
    const credentials = async () => ({ accessKeyId: 'double', secretAccessKey: 'secret' });
    expect(await errorOf(store({ store: { ...bed.sinkStore, credentials } }))).toMatchObject({
      code: 's3-credentials',
      scope: 'sink',
      retry: 'never',
    });
  });

  it('ends where the secret cannot be had any more', async () => {
    await probed();
    const gone = new MailferryError('no such file', {
      code: 'secret-missing',
      scope: 'account',
      retry: 'never',
    });
    const credentials = () => Promise.reject(gone);
    expect(await errorOf(store({ store: { ...bed.sinkStore, credentials } }))).toBe(gone);
  });

  it('follows the store’s clock where its own is wrong', async () => {
    await probed();
    double.options = { skewMs: 3_600_000 };
    const [receipt] = receiptsOf(await store());
    expect(receipt?.proof).toBe('checksum');
  });

  it.each(['refused', 'ignored'] as const)(
    'looks before it puts where conditions are %s',
    async (conditions) => {
      await start({ conditions });
      await probed();
      receiptsOf(await store());
      receiptsOf(await store());
      expect(double.seen.map(({ method }) => method)).toEqual(['HEAD', 'PUT', 'HEAD', 'HEAD', 'HEAD']);
    },
  );

  it('sends Content-MD5 to a store that asks for it, and to no other', async () => {
    await start({ asksForMd5: true });
    await probed();
    const [receipt] = receiptsOf(await store({ manifest: true }));
    expect(receipt?.proof).toBe('checksum');
    const puts = double.seen.filter(({ method }) => method === 'PUT');
    expect(puts.map(({ headers }) => headers['content-md5'] !== undefined)).toEqual([true, true]);
    await start();
    await probed();
    await store();
    expect(double.seen.some(({ headers }) => 'content-md5' in headers)).toBe(false);
  });

  it('reads back where the store gives no checksum', async () => {
    await start({ hasChecksums: false });
    await probed();
    const [receipt] = receiptsOf(await store());
    expect(receipt?.proof).toBe('readback');
    expect(double.seen.map(({ method }) => method)).toEqual(['PUT', 'GET']);
  });

  it('says no more than that it was taken where it may neither look nor read', async () => {
    double.mischief = ({ method, key }) =>
      key !== '' && method !== 'PUT'
        ? { kind: 'answer', status: 403, code: method === 'HEAD' ? '' : 'AccessDenied' }
        : undefined;
    await probed();
    const [receipt] = receiptsOf(await store());
    expect(receipt?.proof).toBe('synced');
  });

  it('ends where Object Lock is accepted and not kept, and goes on where it is', async () => {
    await probed();
    const lock = { mode: 'COMPLIANCE', retainMs: 86_400_000 } as const;
    expect(await errorOf(store({ lock }))).toMatchObject({ code: 's3-setting-ignored', scope: 'sink' });
    await start({ keepsLock: true });
    await probed();
    const [receipt] = receiptsOf(await store({ lock, legalHold: true }));
    expect(receipt?.proof).toBe('checksum');
    expect(double.seen.find(({ method }) => method === 'PUT')?.headers['content-md5']).toBeTruthy();
  });

  it('sends a large message in parts, reads it back, and leaves no upload when it fails', async () => {
    await probed();
    const limits = { multipartOctets: 10_000, partOctets: 4_096 };
    const large = 'x'.repeat(20_000);
    const [receipt] = receiptsOf(await store({ limits }, large));
    expect(receipt).toMatchObject({ proof: 'readback', storedOctets: 20_000 });
    expect(double.uploads.size).toBe(0);
    double.mischief = ({ query }) =>
      query.get('partNumber') === '2' ? { kind: 'answer', status: 403, code: 'AccessDenied' } : undefined;
    expect(await errorOf(store({ limits }, `${large}y`))).toMatchObject({ code: 's3-denied' });
    expect(double.uploads.size).toBe(0);
  });

  it('ends uploads that a crash left, as its journal knows them', async () => {
    await probed();
    double.uploads.set('left', new Map());
    const journal = new MemoryJournal();
    await journal.write({ uploads: [{ key: 'mail/k', uploadId: 'left' }] });
    const sink = bed.sink({ clock });
    const archive = await sink.openArchive(ALICE, journal);
    await archive.close();
    await sink.close();
    expect(double.uploads.size).toBe(0);
    expect(journal.value).toMatchObject({ uploads: [] });
  });

  it('is patient with a slow store as long as octets flow', async () => {
    await probed();
    double.options = { octetsPerSecond: 1_000_000 };
    const place = { ...bed.sinkStore, timeouts: { connectMs: 1_000, idleMs: 5_000 } };
    const [receipt] = receiptsOf(await store({ store: place }, 'slow\r\n'.repeat(300_000)));
    expect(receipt?.proof).toBe('checksum');
    expect(double.requests('PUT')).toBe(1);
  });

  it('keeps no more requests in flight than it may', async () => {
    await probed();
    let open = 0;
    let most = 0;
    double.mischief = () => {
      open++;
      most = Math.max(most, open);
      setImmediate(() => open--);
      return undefined;
    };
    const batch = Array.from({ length: 60 }, (_, n) => storable(`message ${n}\r\n`, String(n)));
    receiptsOf(await bed.store(batch, { clock, limits: { perAccount: 8, total: 4 } }));
    expect(most).toBeLessThanOrEqual(4);
    expect(messages()).toHaveLength(60);
  });

  it('chains manifests, and finishes that of a run that was killed', async () => {
    await probed();
    receiptsOf(await store({ manifest: true }));
    const killed = bed.sink({ clock, manifest: true });
    const archive = await killed.openArchive(ALICE, new MemoryJournal());
    await archive.store([storable('two\r\n', 'u2')], NO_ABORT);
    // No close: the process is gone. The next run has nothing new, and sends what is left when it ends.
    const next = bed.sink({ clock, manifest: true });
    await next.close();
    const manifests = [...double.objects]
      .filter(([key]) => key.startsWith('manifest/'))
      .map(([key, { octets }]) => ({ key, octets }));
    expect(manifests).toHaveLength(2);
    const [first, second] = manifests.map(({ octets }) =>
      octets
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
    expect(first?.[0]).toMatchObject({ format: 'mailferry-manifest/1', sequence: 1, previous: null });
    expect(first?.[1]).toMatchObject({ uidl: 'u1', octets: ONE.length });
    expect(second?.[0]).toMatchObject({ sequence: 2, previous: { key: manifests[0]?.key } });
    expect(second?.[1]).toMatchObject({ uidl: 'u2', octets: 5 });
  });
});
