/**
 * What every sink must do when its archives are only read: say what is missing or changed, find what no receipt names, and
 * leave everything as it is. Passed by the harnesses of sink-contract.ts.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KnownPlace, Receipt, Sink, SinkArchive } from '../../src/sink/sink.ts';
import {
  ALICE,
  type Damage,
  type SinkHarness,
  storable,
  storeAndRecord,
  TestJournal,
} from './sink-contract.ts';

const NO_ABORT = new AbortController().signal;
const BODIES = [
  '',
  'one line',
  'From the start\r\nFrom here\r\n',
  `${'long '.repeat(200_000)}\r\n`,
  'last\r\n',
];
const EXPECTED: Readonly<Record<Damage, string>> = {
  removed: 'missing',
  flipped: 'changed',
  truncated: 'changed',
  appended: 'changed',
};

export function describeReaderContract(name: string, makeHarness: (folder: string) => SinkHarness): void {
  describe(`${name}, open for reading:`, () => {
    let folder: string;
    let harness: SinkHarness;
    let sink: Sink;
    let journal: TestJournal;
    let archive: SinkArchive;
    let receipts: Receipt[];

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'mailferry-reader-'));
      harness = makeHarness(join(folder, 'store'));
      await harness.start?.();
      journal = new TestJournal();
      sink = harness.openSink();
      archive = await sink.openArchive(ALICE, journal);
      const batch = BODIES.map((body, index) => storable(`Subject: ${index}\r\n\r\n${body}`, `u${index}`));
      receipts = await storeAndRecord(archive, journal, batch);
    });

    afterEach(async () => {
      await archive.close();
      await sink.close();
      await harness.stop?.();
      rmSync(folder, { recursive: true, force: true });
    });

    const open = (root = archive.root) =>
      harness.openSink().openReader({ accountId: ALICE.id, root, journal });

    async function extras(known: readonly Receipt[], differing: readonly Receipt[] = []): Promise<string[]> {
      const reader = await open();
      const places: KnownPlace[] = [...known, ...differing].map((receipt) => ({
        location: receipt.location,
        isDiffering: differing.includes(receipt),
      }));
      const found: string[] = [];
      for await (const { location } of reader.findExtras?.(places) ?? []) found.push(location);
      await reader.close();
      return found;
    }

    async function kinds(): Promise<string[]> {
      const reader = await open();
      const found: string[] = [];
      for (const receipt of receipts) found.push((await reader.verify(receipt)).kind);
      await reader.close();
      return found;
    }

    /** Where it begins; how long a message is that nobody knows may be told in more than one way. */
    const start = (location: string): string => location.replace(/\+\d+$/, '');

    /** Every file with its octets. */
    const contents = (): Map<string, string> =>
      new Map(
        readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .map((path) => [path, readFileSync(path, 'latin1')]),
      );

    const octetsHeld = (): number =>
      harness.octetsHeld?.() ?? [...contents().values()].reduce((sum, octets) => sum + octets.length, 0);

    it('finds everything intact and nothing besides, while a writer has it open, and changes no octet', async () => {
      const before = contents();
      expect(await kinds()).toEqual(BODIES.map(() => 'intact'));
      expect(await extras(receipts)).toEqual([]);
      expect(contents()).toEqual(before);
    });

    it.each<Damage>(['removed', 'flipped', 'truncated', 'appended'])('tells what was %s', async (damage) => {
      const [, , , , last] = receipts;
      if (last !== undefined && harness.damage(archive.root, last, damage)) {
        expect((await kinds())[4]).toBe(EXPECTED[damage]);
        expect(await extras(receipts.slice(0, 4), [last])).toEqual([]);
      }
    });

    it('finds a message that has no receipt', async () => {
      const reader = await open();
      const canList = reader.findExtras !== undefined;
      const [first, second, ...others] = receipts;
      if (canList && first !== undefined && second !== undefined) {
        expect((await extras([first, ...others])).map(start)).toEqual([start(second.location)]);
        expect((await extras([second, ...others])).map(start)).toEqual([start(first.location)]);
      }
    });

    it('leaves out what a batch in progress, or an interrupted one, has announced', async () => {
      const held = structuredClone(journal.read());
      await archive.store([storable('Subject: in progress\r\n\r\n', 'p')], NO_ABORT);
      expect(harness.count(archive.root)).toBe(BODIES.length + 1);
      // The memory sink announces nothing, and nothing of it outlives a process.
      if (held !== undefined) {
        expect(await extras(receipts)).toEqual([]);
      }
    });

    it('takes an archive that is gone for one that holds nothing, and makes none', async () => {
      const reader = await harness.openSink().openReader({
        accountId: 'nobody',
        root: join(folder, 'gone', 'nobody'),
        journal: new TestJournal(),
      });
      const before = contents();
      const found: string[] = [];
      if (harness.isByDigest !== true) {
        for (const receipt of receipts) found.push((await reader.verify(receipt)).kind);
        for await (const { location } of reader.findExtras?.([]) ?? []) found.push(location);
        expect(found).toEqual(BODIES.map(() => 'missing'));
      }
      await reader.close();
      expect(contents()).toEqual(before);
      expect(readdirSync(folder)).not.toContain('gone');
    });

    it.each<Damage>(['flipped', 'truncated'])(
      'finds all well after what was %s was set aside and stored anew, and the damaged octets are still there',
      async (damage) => {
        const [first, ...others] = receipts;
        const spoilt = damage === 'truncated' ? others.at(-1) : first;
        if (archive.setAside === undefined || spoilt === undefined) return;
        const index = receipts.indexOf(spoilt);
        expect(harness.damage(archive.root, spoilt, damage)).toBe(true);
        const before = octetsHeld();
        await archive.setAside([spoilt]);
        await archive.close();
        archive = await sink.openArchive(ALICE, journal);
        const again = storable(`Subject: ${index}\r\n\r\n${BODIES[index]}`, `u${index}`);
        receipts.splice(index, 1, ...(await storeAndRecord(archive, journal, [again])));
        expect(await kinds()).toEqual(BODIES.map(() => 'intact'));
        expect(await extras(receipts)).toEqual([]);
        expect(octetsHeld()).toBeGreaterThanOrEqual(before + spoilt.storedOctets);
      },
    );
  });
}
