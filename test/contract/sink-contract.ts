/**
 * What every sink must do, whatever it stores into. A sink passes by a harness that opens it over one store again and
 * again, as runs do, and that reads and spoils the store by code of its own: a sink's word is not taken for its proof.
 *
 * Liars: a message whose content is not as long as it says, or has other line ends, must never get a receipt. A message
 * whose digest is a lie may get one, since a digest is taken once, on the wire side (promise 1), and not again for each
 * sink; `verify`, which takes it from what the sink holds, must then say `changed`, and nothing is deleted without that.
 * (A sink whose store is told the digest refuses it before.)
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message, MessageContent } from '../../src/message/message.ts';
import { messageFromBuffer } from '../../src/message/message-builder.ts';
import { PageStock } from '../../src/message/pages.ts';
import { openSpool, type SpoolOptions } from '../../src/message/spool.ts';
import type {
  JsonValue,
  Receipt,
  Sink,
  SinkAccount,
  SinkArchive,
  SinkJournal,
  StorableMessage,
  StoreOutcome,
} from '../../src/sink/sink.ts';
import { nastyMessages, wireForm } from '../message/nasty-messages.ts';
import { corpusMessages, whySkipCorpus } from '../support/corpus.ts';

export type Damage = 'removed' | 'flipped' | 'truncated' | 'appended';

/** One store and the ways into it. */
export interface SinkHarness {
  /** A sink over the store, as a new process would open it. */
  openSink(): Sink;
  /** Reads back what a receipt names, in wire form, without the sink. */
  readBack(archive: string, receipt: Receipt): Buffer;
  /** How many messages the account's archive holds, as another program counts them. */
  count(archive: string): number;
  /** Octets of everything in the store, where that is not in files. */
  octetsHeld?(): number;
  /** Spoils what a receipt names; where the store cannot be spoilt so, returns false. */
  damage(archive: string, receipt: Receipt, damage: Damage): boolean;
  /** Sets free what a killed process would not hold any more. */
  kill?(archive: string): void;
  /** Whether equal octets under different unique-ids are one object of one account (an object store's key follows from the digest). */
  readonly isByDigest?: boolean;
  /** Before each test and after it, where the store is more than files. */
  start?(): Promise<void>;
  stop?(): Promise<void>;
}

/** A journal as the ledger keeps it: what is written survives, as JSON. */
export class TestJournal implements SinkJournal {
  #json: string | undefined;
  isBroken = false;

  read(): JsonValue | undefined {
    return this.#json === undefined ? undefined : JSON.parse(this.#json);
  }

  async write(value: JsonValue): Promise<void> {
    if (this.isBroken) {
      throw new Error('the ledger cannot be written');
    }
    this.#json = JSON.stringify(value);
  }
}

export const ALICE: SinkAccount = { id: 'alice', host: 'pop.example.org', user: 'alice' };
export const BOB: SinkAccount = { id: 'bob', host: 'pop.example.org', user: 'bob' };
const NO_ABORT = new AbortController().signal;

/** Where a large message may be. */
const LARGE: readonly [string, MessageContent['kind'], () => SpoolOptions][] = [
  ['a spool file', 'spool', () => ({ memoryLimitOctets: 0 })],
  ['pages', 'pages', () => ({ memoryLimitOctets: 0, pages: new PageStock(4 * 1024 * 1024) })],
];

export function storable(octets: Buffer | string, uidl = 'u1', copy = 0): StorableMessage {
  return { uidl, copy, message: messageFromBuffer(Buffer.from(octets)) };
}

export function receiptsOf(outcomes: readonly StoreOutcome[]): Receipt[] {
  return outcomes.map((outcome) => {
    if (outcome.kind === 'failed') {
      throw outcome.error;
    }
    return outcome.receipt;
  });
}

/** Stores a batch and records it as the ledger would. */
export async function storeAndRecord(
  archive: SinkArchive,
  journal: SinkJournal,
  batch: readonly StorableMessage[],
): Promise<Receipt[]> {
  const { outcomes, journal: noted } = await archive.store(batch, NO_ABORT);
  if (noted !== undefined) {
    await journal.write(noted);
  }
  return receiptsOf(outcomes);
}

export function describeSinkContract(name: string, makeHarness: (folder: string) => SinkHarness): void {
  describe(`${name} keeps the contract of sinks:`, () => {
    let folder: string;
    let harness: SinkHarness;
    let sink: Sink;
    let journal: TestJournal;
    let archive: SinkArchive;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'mailferry-sink-'));
      harness = makeHarness(join(folder, 'store'));
      await harness.start?.();
      journal = new TestJournal();
      sink = harness.openSink();
      archive = await sink.openArchive(ALICE, journal);
    });

    afterEach(async () => {
      await archive.close();
      await sink.close();
      await harness.stop?.();
      rmSync(folder, { recursive: true, force: true });
    });

    /** How many of these the store must hold. */
    const expectedCount = (batch: readonly StorableMessage[]): number =>
      harness.isByDigest === true
        ? new Set(batch.map(({ copy, message }) => `${message.sha256} ${copy}`)).size
        : batch.length;

    const store = (batch: readonly StorableMessage[]): Promise<Receipt[]> =>
      storeAndRecord(archive, journal, batch);

    /** What a new process finds: its own sink, the journal as it was durable. */
    async function restart(): Promise<void> {
      harness.kill?.(archive.root);
      sink = harness.openSink();
      archive = await sink.openArchive(ALICE, journal);
    }

    async function expectHeld(
      batch: readonly StorableMessage[],
      receipts: readonly Receipt[],
    ): Promise<void> {
      for (const [index, { message }] of batch.entries()) {
        const receipt = receipts[index];
        if (receipt === undefined || message.content.kind !== 'memory') {
          throw new Error('there is no receipt, or nothing to compare it with');
        }
        expect(receipt.sha256).toBe(message.sha256);
        expect(harness.readBack(archive.root, receipt).equals(message.content.buffer)).toBe(true);
        expect(await archive.verify(receipt)).toEqual({ kind: 'intact' });
      }
    }

    describe('octets', () => {
      it.each(nastyMessages())('come back as they were: $name', async ({ octets }) => {
        const batch = [storable('first\r\n', 'a'), storable(octets, 'b'), storable('last\r\n', 'c')];
        await expectHeld(batch, await store(batch));
        expect(harness.count(archive.root)).toBe(3);
      });

      it.skipIf(whySkipCorpus())('come back as they were: the whole corpus', async () => {
        const batch = corpusMessages().map(({ name, octets }) => storable(wireForm(octets), name));
        await expectHeld(batch, await store(batch));
        expect(harness.count(archive.root)).toBe(expectedCount(batch));
      });

      it.skipIf(whySkipCorpus())('come back as they were: the corpus as its files have it', async () => {
        const batch = corpusMessages().map(({ name, octets }) => storable(octets, name));
        await expectHeld(batch, await store(batch));
      });

      it('come back as they were after more batches and another run', async () => {
        const first = [storable('one\r\n', '1')];
        const second = [storable('two', '2')];
        const third = [storable('three\nFrom x\n', '3')];
        const receipts = [...(await store(first)), ...(await store(second))];
        await archive.close();
        archive = await sink.openArchive(ALICE, journal);
        receipts.push(...(await store(third)));
        await expectHeld([...first, ...second, ...third], receipts);
        expect(harness.count(archive.root)).toBe(3);
      });

      it.each(LARGE)('of a message in %s come back as they were', async (_, kind, options) => {
        const spool = openSpool(join(folder, 'spool'), options());
        const large = [
          'Subject: x\r\n\r\nFrom a\r\n'.repeat(60_000),
          'LF only\nFrom b\n'.repeat(60_000),
          `${'>'.repeat(700_000)}From c\r`,
        ];
        for (const [index, text] of large.entries()) {
          const incoming = spool.receive();
          incoming.write(Buffer.from(text));
          const message = incoming.finish();
          expect(message.content.kind).toBe(kind);
          const [receipt] = await store([{ uidl: `large${index}`, copy: 0, message }]);
          await expectHeld([storable(text, `large${index}`)], receipt === undefined ? [] : [receipt]);
          await spool.removeContent(message);
        }
        expect(harness.count(archive.root)).toBe(3);
      });

      it.each(LARGE)(
        'of a message in %s come back as they were, wherever it is cut',
        async (_, kind, options) => {
          const spool = openSpool(join(folder, 'spool'), options());
          const period = 'b\r\nFrom a\r\n';
          for (let shift = 0; shift < period.length; shift++) {
            // Pieces have 1 MiB.
            const text = 'a'.repeat(shift) + period.repeat(100_000);
            const incoming = spool.receive();
            incoming.write(Buffer.from(text));
            const message = incoming.finish();
            expect(message.content.kind).toBe(kind);
            const [receipt] = await store([{ uidl: `cut${shift}`, copy: 0, message }]);
            await expectHeld([storable(text, `cut${shift}`)], receipt === undefined ? [] : [receipt]);
            await spool.removeContent(message);
          }
          expect(harness.count(archive.root)).toBe(period.length);
        },
      );

      it('of an empty batch are none', async () => {
        expect(await store([])).toEqual([]);
        expect(harness.count(archive.root)).toBe(0);
      });
    });

    describe('equal messages', () => {
      it('are both kept where they are different copies', async () => {
        const batch = [storable('same\r\n', 'u', 0), storable('same\r\n', 'u', 1)];
        const receipts = await store(batch);
        await expectHeld(batch, receipts);
        expect(new Set(receipts.map(({ location }) => location)).size).toBe(2);
        expect(harness.count(archive.root)).toBe(2);
      });

      it('are both kept where they have different unique-ids', async () => {
        const batch = [storable('same\r\n', 'u'), storable('same\r\n', 'v')];
        await expectHeld(batch, await store(batch));
        expect(harness.count(archive.root)).toBe(expectedCount(batch));
      });
    });

    describe('after a crash', () => {
      const batch = [storable('one\r\n', '1'), storable('two\nFrom x', '2'), storable('', '3')];

      it('that lost the receipts, storing again gives one copy', async () => {
        await store([storable('before\r\n', '0')]);
        await archive.store(batch, NO_ABORT);
        await restart();
        await expectHeld(batch, await store(batch));
        expect(harness.count(archive.root)).toBe(4);
      });

      it('that lost the receipts of the very first batch, storing again gives one copy', async () => {
        await archive.store(batch, NO_ABORT);
        await restart();
        await expectHeld(batch, await store(batch));
        expect(harness.count(archive.root)).toBe(3);
      });

      it('that comes again, and again, storing again gives one copy', async () => {
        for (let crash = 0; crash < 3; crash++) {
          await archive.store(batch.slice(crash), NO_ABORT);
          await restart();
        }
        const receipts = await store(batch);
        await expectHeld(batch, receipts);
        expect(harness.count(archive.root)).toBe(3);
      });

      it('a batch in other parts and order gives one copy of each', async () => {
        await archive.store(batch, NO_ABORT);
        await restart();
        const receipts: Receipt[] = [];
        for (const message of batch.toReversed()) {
          receipts.unshift(...(await store([message])));
        }
        await expectHeld(batch, receipts);
        expect(harness.count(archive.root)).toBe(3);
      });

      it('without a new process, a batch that was never recorded is stored again as one copy', async () => {
        await archive.store(batch, NO_ABORT);
        await expectHeld(batch, await store(batch));
        expect(harness.count(archive.root)).toBe(3);
      });
    });

    describe('verify', () => {
      const text = 'From: a@example.org\r\n\r\nSome text to be spoilt.\r\n';

      it.each(['removed', 'flipped', 'truncated', 'appended'] as const)(
        'finds out that the octets were %s',
        async (damage) => {
          const [, receipt] = await store([storable('x\r\n', 'a'), storable(text, 'b')]);
          if (receipt === undefined) {
            throw new Error('there is no receipt');
          }
          if (harness.damage(archive.root, receipt, damage)) {
            const { kind } = await archive.verify(receipt);
            expect(kind).toBe(damage === 'removed' ? 'missing' : 'changed');
          }
        },
      );

      it('takes no receipt of another place for one of its own', async () => {
        const [receipt] = await store([storable(text)]);
        for (const location of [
          '',
          '/etc/passwd',
          'new/../../x',
          '../x',
          '-1+5',
          '0+',
          '9999999+1',
          'new/\0',
        ]) {
          if (receipt !== undefined) {
            expect((await archive.verify({ ...receipt, location })).kind).toBe('missing');
          }
        }
      });
    });

    describe('liars', () => {
      const truth = messageFromBuffer(Buffer.from('one\r\ntwo\r\n'));
      const { lineEnds } = truth;
      const lies: readonly [string, Partial<Message>][] = [
        ['more octets than it has', { octets: truth.octets + 1 }],
        ['fewer octets than it has', { octets: truth.octets - 1 }],
        ['more CRLFs than it has', { lineEnds: { ...lineEnds, crlf: 3 } }],
        ['no bare LF, and has one', { content: { kind: 'memory', buffer: Buffer.from('one\r\nt\no\r\n') } }],
        ['a bare LF, and has none', { lineEnds: { ...lineEnds, crlf: 1, bareLf: 1 } }],
      ];

      async function expectNoReceipt(liar: Message): Promise<void> {
        const batch = [
          storable('a\r\n', 'a'),
          { uidl: 'liar', copy: 0, message: liar },
          storable('b\r\n', 'b'),
        ];
        const { outcomes, journal: noted } = await archive.store(batch, NO_ABORT);
        await journal.write(noted ?? null);
        expect(outcomes.map(({ kind }) => kind)).toEqual(['stored', 'failed', 'stored']);
        const [first, failed, last] = outcomes;
        expect(failed).toMatchObject({ error: { scope: 'message' } });
        const honest = [first, last].filter((outcome) => outcome !== undefined);
        await expectHeld([storable('a\r\n', 'a'), storable('b\r\n', 'b')], receiptsOf(honest));
        expect(harness.count(archive.root)).toBe(2);
      }

      it.each(lies)('a message that says it has %s gets no receipt', async (_, lie) => {
        await expectNoReceipt({ ...truth, ...lie });
      });

      it('a message whose spool file is not what it was gets no receipt', async () => {
        const spool = openSpool(join(folder, 'spool'), { memoryLimitOctets: 0 });
        const spoilers: ((path: string) => void)[] = [
          (path) => truncateSync(path, 5),
          (path) => writeFileSync(path, 'longer\r\n', { flag: 'a' }),
          (path) => rmSync(path),
        ];
        for (const spoil of spoilers) {
          const incoming = spool.receive();
          incoming.write(Buffer.from('one\r\ntwo\r\n'));
          const message = incoming.finish();
          if (message.content.kind === 'spool') {
            spoil(message.content.path);
          }
          const { outcomes, journal: noted } = await archive.store(
            [{ uidl: 'liar', copy: 0, message }],
            NO_ABORT,
          );
          await journal.write(noted ?? null);
          expect(outcomes).toMatchObject([{ kind: 'failed', error: { scope: 'message' } }]);
        }
        expect(harness.count(archive.root)).toBe(0);
      });

      it('a message whose pages are not what they were gets no receipt', async () => {
        const pages = new PageStock(4 * 1024 * 1024);
        const incoming = openSpool(join(folder, 'spool'), { memoryLimitOctets: 0, pages }).receive();
        incoming.write(Buffer.from('one\r\ntwo\r\n'));
        const message = incoming.finish();
        if (message.content.kind === 'pages') {
          for (const view of message.content.pages.views()) {
            view[0] = 10;
          }
        }
        const { outcomes } = await archive.store([{ uidl: 'liar', copy: 0, message }], NO_ABORT);
        expect(outcomes).toMatchObject([{ kind: 'failed', error: { code: 'message-mismatch' } }]);
        expect(harness.count(archive.root)).toBe(0);
      });

      it('a message whose digest is a lie does not verify', async () => {
        const message = { ...truth, sha256: '0'.repeat(64) };
        const { outcomes } = await archive.store([{ uidl: 'liar', copy: 0, message }], NO_ABORT);
        for (const outcome of outcomes) {
          const isFound =
            outcome.kind === 'failed' || (await archive.verify(outcome.receipt)).kind === 'changed';
          expect(isFound).toBe(true);
        }
        expect(outcomes).toHaveLength(1);
      });
    });

    describe('what goes wrong', () => {
      it('in the journal stops the batch, and nothing counts as stored', async () => {
        await store([storable('before\r\n', '0')]);
        journal.isBroken = true;
        const batch = [storable('one\r\n', '1')];
        const thrown = await archive.store(batch, NO_ABORT).then(
          () => 'stored',
          () => 'thrown',
        );
        journal.isBroken = false;
        // A sink without use for a journal is not stopped by it; its batch is then stored twice under one name.
        expect(harness.count(archive.root)).toBe(thrown === 'thrown' ? 1 : 2);
        await expectHeld(batch, await store(batch));
        expect(harness.count(archive.root)).toBe(2);
      });

      it('by an abort stops the batch, and the next run stores it once', async () => {
        const batch = [storable('one\r\n', '1')];
        await expect(archive.store(batch, AbortSignal.abort())).rejects.toMatchObject({
          code: 'sink-interrupted',
          retry: 'later',
        });
        await expectHeld(batch, await store(batch));
        expect(harness.count(archive.root)).toBe(1);
      });
    });

    describe('accounts', () => {
      it('at the same time do not meet', async () => {
        const bobsJournal = new TestJournal();
        const bobs = await sink.openArchive(BOB, bobsJournal);
        const batches = Array.from({ length: 5 }, (_, n) => [storable(`message ${n}\r\n`, String(n))]);
        const mine: Receipt[] = [];
        const his: Receipt[] = [];
        await Promise.all([
          (async () => {
            for (const batch of batches) mine.push(...(await store(batch)));
          })(),
          (async () => {
            for (const batch of batches) his.push(...(await storeAndRecord(bobs, bobsJournal, batch)));
          })(),
        ]);
        await expectHeld(batches.flat(), mine);
        for (const receipt of his) {
          expect(await bobs.verify(receipt)).toEqual({ kind: 'intact' });
        }
        // Two archives may lie in one place.
        const roots = [...new Set([archive.root, bobs.root])];
        expect(roots.reduce((sum, root) => sum + harness.count(root), 0)).toBe(10);
        await bobs.close();
      });

      const hostile = [
        '../..',
        '/',
        '..',
        'a/b',
        '\0',
        'x'.repeat(4000),
        '\xff\xfe',
        '\ud800',
        '🦆',
        '',
        ':2,S',
      ];

      it.each(hostile)('Q5, RFC-48: and unique-ids that are hostile (%j) lead nowhere', async (id) => {
        const hostiles = await sink.openArchive({ ...ALICE, id: `hostile ${id}` }, new TestJournal());
        const batch = [storable('x\r\n', id), storable('x\r\n', `${id}!`)];
        const { outcomes } = await hostiles.store(batch, NO_ABORT);
        for (const receipt of receiptsOf(outcomes)) {
          expect(receipt.location).toMatch(/^[!-~]{1,250}$/);
          expect(receipt.location).not.toContain('..');
          expect(await hostiles.verify(receipt)).toEqual({ kind: 'intact' });
        }
        await hostiles.close();
      });
    });

    it('closing twice does no harm', async () => {
      await archive.close();
      await archive.close();
      await sink.close();
      await sink.close();
    });
  });
}
