/** What an S3 archive finds that no receipt names, and what it does where it may not look. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyPatternOf } from '../../src/job/assemble-s3.ts';
import { contentOf, defaultPattern, keyOf, parseRoot, placesOf } from '../../src/sink/s3/key.ts';
import type { S3SinkOptions } from '../../src/sink/s3/options.ts';
import type { ExtraMessage, KnownPlace, Receipt } from '../../src/sink/sink.ts';
import { ALICE, MemoryJournal, NO_ABORT, receiptsOf, S3Bed, storable } from '../support/s3-bed.ts';
import { S3Double } from '../support/s3-double.ts';

const BOB = { id: 'bob', host: 'pop.example.org', user: 'bob' };
const DIGEST = 'ab'.padEnd(64, '0');

describe('an archive in S3, open for reading', () => {
  let double: S3Double;
  let bed: S3Bed;
  let journal: MemoryJournal;

  beforeEach(async () => {
    double = await S3Double.start();
    bed = await S3Bed.make(double, double.bucket);
    journal = new MemoryJournal();
  });

  afterEach(async () => {
    await bed[Symbol.asyncDispose]();
    await double[Symbol.asyncDispose]();
  });

  async function fill(count: number, options: Partial<S3SinkOptions> = {}, account = ALICE) {
    const sink = bed.sink(options);
    const archive = await sink.openArchive(account, journal);
    const batch = Array.from({ length: count }, (_, n) => storable(`${n} of ${account.id}\r\n`, String(n)));
    const { outcomes, journal: noted } = await archive.store(batch, NO_ABORT);
    await journal.write(noted ?? null);
    await archive.close();
    await sink.close();
    return { root: archive.root, receipts: receiptsOf(outcomes) };
  }

  async function extras(
    root: string,
    receipts: readonly Receipt[],
    known: Iterable<KnownPlace> = places(receipts),
  ): Promise<ExtraMessage[]> {
    const sink = bed.sink();
    const reader = await sink.openReader({ accountId: ALICE.id, root, journal });
    const found: ExtraMessage[] = [];
    for await (const extra of reader.findExtras?.(known) ?? []) found.push(extra);
    await sink.close();
    return found;
  }

  const places = (receipts: readonly Receipt[]): KnownPlace[] =>
    receipts.map(({ location }) => ({ location, isDiffering: false }));

  it('finds over many pages what no receipt names, of this account alone', async () => {
    const alice = await fill(40);
    const bob = await fill(5, {}, BOB);
    expect(await extras(alice.root, alice.receipts)).toEqual([]);
    const found = await extras(alice.root, alice.receipts.slice(0, 30));
    expect(found.map(({ location }) => location).sort()).toEqual(
      alice.receipts
        .slice(30)
        .map(({ location }) => location)
        .sort(),
    );
    expect(await extras(bob.root, bob.receipts)).toEqual([]);
  });

  it('tells what another program has put among the messages', async () => {
    const { root, receipts } = await fill(1);
    const [folder] = /^.*\//.exec(receipts[0]?.location ?? '') ?? [''];
    const foreign = { octets: Buffer.from('?'), checksum: undefined, headers: {} };
    double.objects.set(`${folder}notes + 100%.txt`, foreign);
    double.objects.set('mail/elsewhere.txt', foreign);
    expect(await extras(root, receipts)).toMatchObject([
      { location: `${folder}notes + 100%.txt`, origin: 'foreign' },
    ]);
  });

  it('leaves out what a run stores meanwhile', async () => {
    const { root, receipts } = await fill(3);
    let asked = 0;
    const known = { [Symbol.iterator]: () => places(receipts.slice(0, asked++ === 0 ? 2 : 3)).values() };
    expect(await extras(root, receipts, known)).toEqual([]);
    expect(asked).toBe(2);
  });

  it('says that it may not list, and that alone', async () => {
    const { root, receipts } = await fill(1);
    double.options = { canList: false };
    await expect(extras(root, receipts)).rejects.toMatchObject({ code: 'sink-cannot-list' });
  });

  it('stores a message whose object was damaged beside it, under a key that stays the same from then on', async () => {
    const { receipts } = await fill(1);
    const [first] = receipts;
    const held = double.objects.get(first?.location ?? '');
    if (first === undefined || held === undefined) throw new Error('it is not there');
    held.octets = Buffer.from('damaged');
    const sink = bed.sink();
    for (let times = 0; times < 2; times++) {
      const archive = await sink.openArchive(ALICE, journal);
      await archive.setAside?.([first, first]);
      const [receipt] = receiptsOf(
        (await archive.store([storable(`0 of ${ALICE.id}\r\n`, '0')], NO_ABORT)).outcomes,
      );
      expect(receipt?.location).toBe(first.location.replace('.eml', '.1.eml'));
      await archive.close();
    }
    await sink.close();
    expect(held.octets.toString()).toBe('damaged');
  });
});

describe('the pattern of an account’s keys', () => {
  it.each([
    ['mail/{shard}/{accountKey}/{sha256}.eml', `mail/ab/0123456789abcdef/${DIGEST}-1.2.eml`, 256, true],
    ['{account}/{sha256}', `alice/${DIGEST}-1.2`, 1, true],
    ['{account}/{shard}/{sha256}.eml', `alice/ab/${DIGEST}-1.2.eml`, 1, true],
    ['a{{b}}%/{account}?#/{sha256}.eml', `a{b}%/alice?#/${DIGEST}-1.2.eml`, 1, true],
    ['{account}-{sha256}.eml', `alice-${DIGEST}-1.2.eml`, 1, false],
    ['mail/{sha256}/{account}', `mail/${DIGEST}-1.2/alice`, 1, false],
    ['{shard}{shard}/{account}/{sha256}+{sha256}', `abab/alice/${DIGEST}-1.2+${DIGEST}-1.2`, 256, false],
  ])('%s', (template, key, prefixes, isOwnFolder) => {
    const account = { id: 'alice', host: 'h', user: 'u' };
    const pattern = keyPatternOf(template, account, '0123456789abcdef');
    const content = { sha256: DIGEST, copy: 1, generation: 2 };
    expect(parseRoot(`s3://bucket/${pattern}`)).toBe(pattern);
    expect(keyOf(pattern, content)).toBe(key);
    expect(contentOf(pattern, key)).toEqual(content);
    expect(contentOf(pattern, `${key}x`)).toBeUndefined();
    expect(contentOf(pattern, key.replace(DIGEST, DIGEST.slice(1)))).toBeUndefined();
    if (template.includes('{shard}')) {
      expect(contentOf(pattern, key.replace('ab', 'ac'))).toBeUndefined();
    }
    const found = placesOf(pattern);
    expect(found.prefixes).toHaveLength(prefixes);
    expect(found.prefixes.some((prefix) => key.startsWith(prefix))).toBe(true);
    expect(found.isOwnFolder).toBe(isOwnFolder);
  });

  it('is by default a folder for each account below 256 places', () => {
    expect(keyOf(defaultPattern('k'), { sha256: DIGEST, copy: 0 })).toBe(`mail/ab/k/${DIGEST}.eml`);
  });
});
