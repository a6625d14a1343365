/**
 * The suite that every implementation of the ledger passes. It knows the contract only: nothing of files, SQL or locks.
 */
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type {
  AccountLedger,
  AccountRun,
  Ledger,
  LedgerReader,
  StoredEntry,
} from '../../src/ledger/ledger.ts';
import type { Proof, Receipt } from '../../src/sink/sink.ts';

/** One job's durable memory, which can be opened again and again. The last of the fixture's work is `dispose`. */
export interface LedgerFixture {
  open(sinks: readonly string[], now?: () => number): Promise<Ledger>;
  /** Undefined where there is none yet. */
  read(sinks?: readonly string[]): LedgerReader | undefined;
  dispose(): void;
}

export const ALICE = { id: 'alice', host: 'pop.example.net', user: 'alice@example.net' };

export function digestOf(index: number): string {
  return index.toString(16).padStart(64, '0');
}

export function placed(sha256: string, proof: Proof = 'readback', location = `new/${sha256}`) {
  const receipt: Receipt = { location, form: 'lf', storedOctets: 90, sha256, proof, provedAt: 1700000000123 };
  return { root: '/srv/archive', receipt };
}

/** A message stored in the given sinks. */
export function stored(
  index: number,
  sinks: readonly string[],
  over: Partial<StoredEntry> = {},
): StoredEntry {
  const sha256 = over.sha256 ?? digestOf(index);
  return {
    rowId: undefined,
    uidl: `uid-${index}`,
    listedOctets: 100,
    octets: 98,
    sha256,
    headerSha256: digestOf(index + 1_000_000),
    copy: 0,
    receipts: new Map(sinks.map((sink) => [sink, placed(sha256)])),
    ...over,
  };
}

const FAILURE = { code: 'pop3-refused', text: 'the server refused RETR' };
const EVERY_OCTET = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));

export function describeLedgerContract(name: string, create: () => LedgerFixture): void {
  describe(name, () => {
    let fixture: LedgerFixture;
    let clock = 0;

    beforeEach(() => {
      clock = 1_800_000_000_000;
      const created = create();
      fixture = created;
      onTestFinished(() => created.dispose());
    });

    /** Opened with one or two sinks, closed when the test is over. */
    async function open(sinks: readonly string[] = ['a']): Promise<Ledger> {
      const ledger = await fixture.open(sinks, () => {
        clock += 1;
        return clock;
      });
      onTestFinished(() => ledger.close());
      return ledger;
    }

    async function openAlice(sinks?: readonly string[]): Promise<AccountLedger> {
      return (await open(sinks)).openAccount(ALICE);
    }

    /** The only row, whole. */
    function onlyRow(account: Pick<AccountLedger, 'known' | 'rows'>) {
      const ids = [...account.known()].map(({ rowId }) => rowId);
      const [row, ...others] = account.rows(ids);
      expect(others).toEqual([]);
      if (row === undefined) {
        throw new Error('the ledger has no row');
      }
      return row;
    }

    describe('what an account has fetched on a day', () => {
      test('adds up, is taken back in part, and stays when the ledger is opened again', async () => {
        const ledger = await open();
        const account = ledger.openAccount(ALICE);
        expect(account.trafficOn('2026-11-21')).toBe(0);
        await account.addTraffic('2026-11-21', 5_000_000_000);
        await account.addTraffic('2026-11-21', -1_000);
        await account.addTraffic('2026-11-22', 7);
        ledger.close();
        const again = await openAlice();
        expect([again.trafficOn('2026-11-21'), again.trafficOn('2026-11-22')]).toEqual([4_999_999_000, 7]);
      });

      test('is its own, never below nothing, and forgotten after a month', async () => {
        const ledger = await open();
        const alice = ledger.openAccount(ALICE);
        const bob = ledger.openAccount({ ...ALICE, id: 'bob' });
        await alice.addTraffic('2026-10-01', 10);
        await bob.addTraffic('2026-11-21', 5);
        await bob.addTraffic('2026-11-21', -6);
        await alice.addTraffic('2026-11-21', 1);
        expect([alice.trafficOn('2026-10-01'), alice.trafficOn('2026-11-21')]).toEqual([0, 1]);
        expect(bob.trafficOn('2026-11-21')).toBe(0);
      });
    });

    describe('a host at which pipelining broke', () => {
      test('is remembered with its reason and time, in any case, and the latest notice counts', async () => {
        const ledger = await open();
        expect(ledger.pipeliningTrouble('pop.example.net')).toBeUndefined();
        await ledger.recordPipeliningTrouble('POP.example.net', 'first');
        await ledger.recordPipeliningTrouble('other.example.net', 'other');
        await ledger.recordPipeliningTrouble('pop.example.net', 'second');
        const trouble = { host: 'pop.example.net', noticedAt: clock, reason: 'second' };
        expect(ledger.pipeliningTrouble('pop.example.NET')).toEqual(trouble);
        expect(fixture.read()?.pipeliningTroubles()).toMatchObject([trouble, { host: 'other.example.net' }]);
      });
    });

    describe('a stored message', () => {
      test('is verified when every receipt is a proof', async () => {
        const account = await openAlice(['a', 'b']);
        await account.record({ stored: [stored(1, ['a', 'b'])] });
        expect(onlyRow(account)).toEqual({
          rowId: expect.any(Number),
          uidl: 'uid-1',
          listedOctets: 100,
          state: 'verified',
          isComplete: true,
          octets: 98,
          sha256: digestOf(1),
          headerSha256: digestOf(1_000_001),
          datedAt: null,
          copy: 0,
          firstSeenAt: clock,
          archivedAt: clock,
          verifiedAt: 1700000000123,
          attempts: 0,
          lastErrorCode: null,
          lastError: null,
          sinks: ['a', 'b'],
        });
      });

      test('moves by the table of states, all rows or none', async () => {
        const account = await openAlice(['a']);
        await account.record({ stored: [stored(1, ['a']), stored(2, ['a'])] });
        const rowIds = [...account.known()].map(({ rowId }) => rowId);
        await account.move(rowIds, 'requestDeletion');
        expect(account.rows(rowIds).map(({ state }) => state)).toEqual([
          'deletion-requested',
          'deletion-requested',
        ]);
        await account.move(rowIds.slice(0, 1), 'answerDeletion');
        await expect(account.move(rowIds, 'answerDeletion')).rejects.toThrow(/cannot answerDeletion/);
        await account.move(rowIds.slice(1), 'return');
        expect(account.rows(rowIds).map(({ state }) => state)).toEqual(['deletion-answered', 'verified']);
      });

      test('is archived, not verified, while one receipt is only synced', async () => {
        const account = await openAlice(['a', 'b']);
        const receipts = new Map([
          ['a', placed(digestOf(1), 'synced')],
          ['b', placed(digestOf(1), 'checksum')],
        ]);
        await account.record({ stored: [stored(1, [], { receipts })] });
        expect(onlyRow(account)).toMatchObject({ state: 'archived', isComplete: true });
      });

      test('is listed with the reason while a sink lacks it, and the reason goes when the sink has it', async () => {
        const account = await openAlice(['a', 'b']);
        await account.record({ stored: [stored(1, ['a'], { failure: FAILURE })] });
        const partial = onlyRow(account);
        expect(partial).toMatchObject({
          state: 'listed',
          isComplete: false,
          attempts: 1,
          lastErrorCode: FAILURE.code,
          lastError: FAILURE.text,
          archivedAt: null,
          sinks: ['a'],
        });
        await account.record({ stored: [stored(1, ['b'], { rowId: partial.rowId })] });
        expect(onlyRow(account)).toMatchObject({
          state: 'verified',
          isComplete: true,
          attempts: 1,
          lastErrorCode: null,
          lastError: null,
          archivedAt: clock,
          sinks: ['a', 'b'],
        });
      });

      test('counts receipts that were recorded before: one synced keeps it from verified', async () => {
        const account = await openAlice(['a', 'b']);
        const receipts = new Map([['a', placed(digestOf(1), 'synced')]]);
        await account.record({ stored: [stored(1, [], { receipts, failure: FAILURE })] });
        const { rowId } = onlyRow(account);
        await account.record({ stored: [stored(1, ['b'], { rowId })] });
        expect(onlyRow(account).state).toBe('archived');
        await account.record({ stored: [stored(1, ['a'], { rowId })] });
        expect(onlyRow(account).state).toBe('verified');
      });

      test('keeps its first archival when it is stored again', async () => {
        const account = await openAlice();
        await account.record({ stored: [stored(1, ['a'])] });
        const { rowId, archivedAt } = onlyRow(account);
        await account.record({ stored: [stored(1, ['a'], { rowId })] });
        expect(onlyRow(account)).toMatchObject({ state: 'verified', archivedAt });
      });

      test('gives back its receipts octet for octet', async () => {
        const account = await openAlice(['a', 'b']);
        const odd = placed(digestOf(1), 'synced', 'cur/\u0000\u001b[2J␀␛␥é🙂:2,S');
        const receipts = new Map([
          ['a', odd],
          ['b', placed(digestOf(1), 'checksum')],
        ]);
        await account.record({ stored: [stored(1, [], { receipts })] });
        expect(account.receipts(onlyRow(account).rowId)).toEqual(receipts);
      });

      test('has one receipt per sink, the last one, wherever the archive has moved', async () => {
        const account = await openAlice();
        await account.record({ stored: [stored(1, ['a'])] });
        const { rowId } = onlyRow(account);
        const moved = { ...placed(digestOf(1)), root: '/mnt/archive' };
        await account.record({ stored: [stored(1, [], { rowId, receipts: new Map([['a', moved]]) })] });
        expect(account.receipts(rowId)).toEqual(new Map([['a', moved]]));
      });

      test('takes no receipt for another digest', async () => {
        const account = await openAlice();
        const receipts = new Map([['a', placed(digestOf(2))]]);
        await expect(account.record({ stored: [stored(1, [], { receipts })] })).rejects.toThrow(
          /receipt of a/,
        );
        expect([...account.known()]).toEqual([]);
      });

      test('that has a receipt is never given another digest', async () => {
        const account = await openAlice(['a', 'b']);
        await account.record({ stored: [stored(1, ['a'])] });
        const { rowId } = onlyRow(account);
        await expect(account.record({ stored: [stored(2, ['b'], { rowId })] })).rejects.toThrow(
          /another message/,
        );
        expect(onlyRow(account)).toMatchObject({ sha256: digestOf(1), sinks: ['a'] });
      });

      test('takes no receipt of a sink that the ledger was opened without', async () => {
        const account = await openAlice(['a']);
        await expect(account.record({ stored: [stored(1, ['x'])] })).rejects.toThrow(/without the sink x/);
      });

      test('equal in unique-id and octets is another row per copy', async () => {
        const account = await openAlice();
        await account.record({ stored: [stored(1, ['a']), stored(1, ['a'], { copy: 1 })] });
        expect(account.rowsByDigest(digestOf(1)).map(({ copy }) => copy)).toEqual([0, 1]);
      });
    });

    describe('a message that failed', () => {
      test('is listed, and each failure counts', async () => {
        const account = await openAlice();
        const failed = {
          rowId: undefined,
          uidl: 'u',
          listedOctets: null,
          failure: FAILURE,
          quarantine: false,
        };
        await account.record({ failed: [failed] });
        const { rowId } = onlyRow(account);
        await account.record({ failed: [{ ...failed, rowId, failure: { code: 'later', text: 'again' } }] });
        expect(onlyRow(account)).toMatchObject({
          state: 'listed',
          attempts: 2,
          lastErrorCode: 'later',
          lastError: 'again',
          octets: null,
          sha256: null,
          headerSha256: null,
          sinks: [],
        });
        await account.record({ stored: [stored(1, ['a'], { rowId })] });
        expect(onlyRow(account)).toMatchObject({ state: 'verified', attempts: 2, lastError: null });
      });

      test('may be quarantined, and archived from there', async () => {
        const account = await openAlice();
        const failed = { rowId: undefined, uidl: 'u', listedOctets: 5, failure: FAILURE, quarantine: true };
        await account.record({ failed: [failed] });
        const { rowId, state } = onlyRow(account);
        expect(state).toBe('quarantined');
        await account.record({ stored: [stored(1, ['a'], { rowId })] });
        expect(onlyRow(account).state).toBe('verified');
      });

      test('counts no attempt where the failure is not its own, and keeps the reason', async () => {
        const account = await openAlice();
        const failed = { rowId: undefined, uidl: 'u', listedOctets: 5, failure: FAILURE, quarantine: false };
        await account.record({ failed: [{ ...failed, isAttempt: false }] });
        expect(onlyRow(account)).toMatchObject({ attempts: 0, lastErrorCode: FAILURE.code });
      });

      test('without a row of its own continues the failure of the same unique-id and size', async () => {
        const account = await openAlice();
        const failed = { rowId: undefined, uidl: '', listedOctets: 5, failure: FAILURE, quarantine: false };
        await account.record({ failed: [failed] });
        await account.record({ failed: [failed] });
        expect(onlyRow(account)).toMatchObject({ attempts: 2 });
        expect(account.unreadRows('', 5)).toEqual([onlyRow(account).rowId]);
        expect(account.unreadRows('', 6)).toEqual([]);
        await account.record({ failed: [{ ...failed, listedOctets: null }] });
        expect([...account.known()]).toHaveLength(2);
      });

      test('is quarantined with the receipts that it has, and archived with the last', async () => {
        const account = await openAlice(['a', 'b']);
        const entry = stored(1, ['a'], { failure: FAILURE });
        await account.record({ stored: [{ ...entry, quarantine: true }] });
        const row = onlyRow(account);
        expect(row).toMatchObject({ state: 'quarantined', sinks: ['a'], attempts: 1 });
        await account.record({
          stored: [{ ...entry, rowId: row.rowId, isAttempt: false, quarantine: true }],
        });
        expect(onlyRow(account)).toMatchObject({ state: 'quarantined', attempts: 1 });
        await account.record({ stored: [stored(1, ['b'], { rowId: row.rowId })] });
        expect(onlyRow(account)).toMatchObject({ state: 'verified', isComplete: true });
      });

      test('is in trouble, missed by listings since the first that lacked it, until it is archived', async () => {
        const account = await openAlice();
        const failed = { rowId: undefined, uidl: 'u', listedOctets: 5, failure: FAILURE, quarantine: true };
        await account.record({ stored: [stored(1, ['a'])], failed: [failed] });
        const troubled = () => [...account.troubled()];
        expect(troubled()).toMatchObject([{ uidl: 'u', state: 'quarantined', unlistedAt: null }]);
        const rowId = troubled()[0]?.rowId ?? 0;
        await account.record({ presence: [{ rowId, isListed: false }] });
        const missedAt = troubled()[0]?.unlistedAt;
        expect(missedAt).toEqual(expect.any(Number));
        await account.record({ presence: [{ rowId, isListed: false }] });
        expect(troubled()).toMatchObject([{ unlistedAt: missedAt }]);
        await account.record({ presence: [{ rowId, isListed: true }] });
        expect(troubled()).toMatchObject([{ unlistedAt: null }]);
        await account.record({ stored: [stored(2, ['a'], { rowId })] });
        expect(troubled()).toEqual([]);
      });

      test('keeps the state and the listed size of a complete row: it may be another message', async () => {
        const account = await openAlice();
        await account.record({ stored: [stored(1, ['a'])] });
        const { rowId } = onlyRow(account);
        const failed = { rowId, uidl: 'uid-1', listedOctets: 555, failure: FAILURE, quarantine: true };
        await account.record({ failed: [failed] });
        expect(onlyRow(account)).toMatchObject({
          state: 'verified',
          listedOctets: 100,
          isComplete: true,
          attempts: 1,
          lastErrorCode: FAILURE.code,
        });
        await account.record({ relisted: [{ rowId, uidl: 'uid-1', listedOctets: 555 }] });
        expect(onlyRow(account)).toMatchObject({ state: 'verified', listedOctets: 555, lastErrorCode: null });
      });
    });

    describe('a message under another unique-id', () => {
      test('Q12: its row follows, in one transaction with the note about the change', async () => {
        const account = await openAlice();
        await account.record({ stored: [stored(1, ['a']), stored(2, ['a'])] });
        expect(account.uidlChange()).toBeUndefined();
        const [first, second] = [...account.known()].map(({ rowId }) => rowId);
        const noticedAt = clock + 1;
        await account.record({
          relisted: [{ rowId: first ?? 0, uidl: 'new-1', listedOctets: 97, copy: 1 }],
          uidlChange: { followed: 1, isSettled: false },
        });
        expect(account.rows([first ?? 0])).toMatchObject([{ uidl: 'new-1', listedOctets: 97, copy: 1 }]);
        expect(account.uidlChange()).toEqual({ noticedAt, settledAt: null, followed: 1 });
        await account.record({
          relisted: [{ rowId: second ?? 0, uidl: 'new-2', listedOctets: 97 }],
          uidlChange: { followed: 1, isSettled: true },
        });
        const change = { noticedAt, settledAt: clock, followed: 2 };
        const reader = fixture.read();
        onTestFinished(() => reader?.close());
        expect([account.uidlChange(), reader?.accounts()[0]?.uidlChange]).toEqual([change, change]);
      });

      test('Q12: a change after one that was settled is another one', async () => {
        const account = await openAlice();
        await account.record({ uidlChange: { followed: 5, isSettled: true } });
        await account.record({ uidlChange: { followed: 3, isSettled: false } });
        expect(account.uidlChange()).toEqual({ noticedAt: clock, settledAt: null, followed: 3 });
      });

      test('Q12: removes the empty row that it was given meanwhile, and no other', async () => {
        const account = await openAlice();
        await account.record({ stored: [stored(1, ['a']), stored(2, ['a'])] });
        const failed = {
          rowId: undefined,
          uidl: 'new-1',
          listedOctets: 5,
          failure: FAILURE,
          quarantine: false,
        };
        await account.record({ failed: [failed] });
        const [first = 0, second = 0, empty = 0] = [...account.known()].map(({ rowId }) => rowId);
        const entry = { rowId: first, uidl: 'new-1', listedOctets: 5 };
        await account.record({ relisted: [{ ...entry, replaces: empty }] });
        await account.record({ relisted: [{ ...entry, replaces: second }] });
        expect([...account.known()].map(({ rowId }) => rowId)).toEqual([first, second]);
      });

      test('Q13: one in deletion that is recognised has returned', async () => {
        const account = await openAlice();
        await account.record({ stored: [stored(1, ['a'])] });
        const { rowId } = onlyRow(account);
        for (const move of ['requestDeletion', 'answerDeletion', 'confirmDeletion'] as const) {
          await account.move([rowId], move);
        }
        await account.record({ relisted: [{ rowId, uidl: 'uid-1', listedOctets: 100 }] });
        expect(onlyRow(account)).toMatchObject({ state: 'verified' });
      });
    });

    describe('a message left out by a rule', () => {
      const skipped = { rowId: undefined, uidl: 'u', listedOctets: 9, datedAt: 1234, rule: 'smallerThan: 5' };

      test('is skipped, its date remembered, and can be archived later', async () => {
        const account = await openAlice();
        await account.record({ skipped: [skipped] });
        const row = onlyRow(account);
        expect(row).toMatchObject({ state: 'skipped', datedAt: 1234, attempts: 0 });
        await account.record({ skipped: [{ ...skipped, rowId: row.rowId, datedAt: null }] });
        expect(onlyRow(account)).toMatchObject({ state: 'skipped', datedAt: 1234 });
        await account.record({ stored: [stored(1, ['a'], { rowId: row.rowId })] });
        expect(onlyRow(account)).toMatchObject({ state: 'verified', datedAt: 1234 });
      });

      test('stays archived or quarantined where it was', async () => {
        const account = await openAlice();
        const failed = { rowId: undefined, uidl: 'q', listedOctets: 5, failure: FAILURE, quarantine: true };
        await account.record({ stored: [stored(1, ['a'])], failed: [failed] });
        const before = [...account.known()];
        await account.record({
          skipped: before.map(({ rowId }) => ({ ...skipped, rowId, listedOctets: 7 })),
        });
        expect([...account.known()]).toEqual(before);
      });
    });

    describe('sinks that come and go', () => {
      test('a new sink makes archived messages incomplete, and its receipt complete again', async () => {
        const first = await fixture.open(['a']);
        await first.openAccount(ALICE).record({ stored: [stored(1, ['a'])] });
        first.close();
        const account = await openAlice(['a', 'b']);
        const row = onlyRow(account);
        expect(row).toMatchObject({ state: 'verified', isComplete: false });
        const failed = { ...row, failure: FAILURE, quarantine: false };
        await account.record({ failed: [failed] });
        expect(onlyRow(account)).toMatchObject({ state: 'listed', isComplete: false, sinks: ['a'] });
        await account.record({ stored: [stored(1, ['b'], { rowId: row.rowId })] });
        expect(onlyRow(account)).toMatchObject({
          state: 'verified',
          isComplete: true,
          archivedAt: row.archivedAt,
        });
      });

      test('a sink that left is not waited for: a recognised message is archived', async () => {
        const first = await fixture.open(['a', 'b']);
        await first.openAccount(ALICE).record({ stored: [stored(1, ['a'], { failure: FAILURE })] });
        first.close();
        const account = await openAlice(['a']);
        const row = onlyRow(account);
        expect(row).toMatchObject({ state: 'listed', isComplete: true });
        await account.record({ relisted: [{ rowId: row.rowId, uidl: row.uidl, listedOctets: 100 }] });
        expect(onlyRow(account)).toMatchObject({ state: 'verified', lastError: null, archivedAt: clock });
      });

      test('a reader that asks for a sink the ledger has never seen finds nothing complete', async () => {
        const account = await openAlice(['a']);
        await account.record({ stored: [stored(1, ['a'])] });
        const complete = (sinks?: readonly string[]) => {
          const reader = fixture.read(sinks);
          onTestFinished(() => reader?.close());
          return [...(reader?.account('alice')?.known() ?? [])].map(({ isComplete }) => isComplete);
        };
        expect(complete()).toEqual([true]);
        expect(complete(['a'])).toEqual([true]);
        expect(complete(['a', 'z'])).toEqual([false]);
      });

      test('sixty-two sinks fit into the life of a job, and the sixty-third is refused by name', async () => {
        const sinks = Array.from({ length: 62 }, (_, index) => `sink-${index}`);
        const first = await fixture.open(sinks);
        const account = first.openAccount(ALICE);
        await account.record({ stored: [stored(1, sinks), stored(2, sinks.slice(1))] });
        expect([...account.known()].map(({ isComplete }) => isComplete)).toEqual([true, false]);
        expect(account.rowsByDigest(digestOf(2))[0]?.sinks).toEqual(sinks.slice(1));
        first.close();
        await expect(fixture.open([...sinks, 'one-more'])).rejects.toMatchObject({
          code: 'ledger-sinks',
          scope: 'run',
          retry: 'never',
          message: expect.stringContaining('one-more'),
        });
      });
    });

    describe('rows', () => {
      test('hold any octet in a unique-id, any length, and none', async () => {
        const account = await openAlice();
        const uidls = [
          EVERY_OCTET,
          '',
          '\u0000',
          '\u0000\u0000x',
          ' '.repeat(3),
          'ÿ'.repeat(100_000),
          "'; --",
          '[1,"x"]',
        ];
        await account.record({ stored: uidls.map((uidl, index) => stored(index, ['a'], { uidl })) });
        expect([...account.known()].map(({ uidl }) => uidl)).toEqual(uidls);
        expect(account.rows([...account.known()].map(({ rowId }) => rowId)).map(({ uidl }) => uidl)).toEqual(
          uidls,
        );
      });

      test('come one at a time in the order they were recorded, over any number of batches', async () => {
        const account = await openAlice();
        const indexes = Array.from({ length: 5001 }, (_, index) => index);
        for (let from = 0; from < indexes.length; from += 500) {
          await account.record({
            stored: indexes.slice(from, from + 500).map((index) => stored(index, ['a'])),
          });
        }
        expect([...account.known()].map(({ uidl }) => uidl)).toEqual(indexes.map((index) => `uid-${index}`));
        const ids = [...account.known()].map(({ rowId }) => rowId);
        expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      });

      test('are given by id in the order asked, without those that are gone', async () => {
        const account = await openAlice();
        await account.record({ stored: [stored(1, ['a']), stored(2, ['a'])] });
        const [first = 0, second = 0] = [...account.known()].map(({ rowId }) => rowId);
        expect(account.rows([second, 999_999, first]).map(({ uidl }) => uidl)).toEqual(['uid-2', 'uid-1']);
      });

      test('are found by digest and by header, those that only begin alike left out', async () => {
        const account = await openAlice();
        const alike = `${'a'.repeat(63)}0`;
        const other = `${'a'.repeat(63)}1`;
        const entries = [alike, other].map((sha256, index) =>
          stored(index, ['a'], { sha256, headerSha256: sha256 }),
        );
        await account.record({ stored: entries });
        expect(account.rowsByDigest(alike).map(({ uidl }) => uidl)).toEqual(['uid-0']);
        expect(account.rowsByHeader(other).map(({ uidl }) => uidl)).toEqual(['uid-1']);
        expect(account.rowsByDigest(digestOf(77))).toEqual([]);
      });

      test('belong to their account: no other sees or changes them', async () => {
        const ledger = await open();
        const alice = ledger.openAccount(ALICE);
        const bob = ledger.openAccount({ ...ALICE, id: 'bob' });
        await alice.record({ stored: [stored(1, ['a'])] });
        const { rowId } = onlyRow(alice);
        expect([...bob.known()]).toEqual([]);
        expect(bob.rows([rowId])).toEqual([]);
        expect(bob.rowsByDigest(digestOf(1))).toEqual([]);
        expect(bob.receipts(rowId).size).toBe(0);
        await expect(bob.record({ relisted: [{ rowId, uidl: 'x', listedOctets: 1 }] })).rejects.toThrow(
          /no row/,
        );
        expect(onlyRow(alice).uidl).toBe('uid-1');
      });
    });

    describe('an account that is opened several times', () => {
      test('is the same for each: what one records the others see, also where it was new', async () => {
        const ledger = await open();
        const [first, second] = [ledger.openAccount(ALICE), ledger.openAccount(ALICE)];
        expect([[...second.known()], [...second.troubled()], second.uidlChange()]).toEqual([
          [],
          [],
          undefined,
        ]);
        expect(second.journal('a').read()).toBeUndefined();
        await first.record({
          stored: [stored(1, ['a']), stored(2, [], { failure: FAILURE })],
          journals: new Map([['a', 'noted']]),
          uidlChange: { followed: 1, isSettled: false },
        });
        expect([...second.known()]).toHaveLength(2);
        expect([...second.troubled()]).toHaveLength(1);
        expect(second.journal('a').read()).toBe('noted');
        expect(second.uidlChange()).toMatchObject({ followed: 1, settledAt: null });
      });

      test('is there with the first thing that is recorded of it, and is not where that fails', async () => {
        const ledger = await open();
        const account = ledger.openAccount(ALICE);
        expect(ledger.accounts()).toEqual([]);
        const relisted = [{ rowId: 1, uidl: 'x', listedOctets: 1 }];
        await expect(account.record({ relisted })).rejects.toThrow(/no row/);
        expect(ledger.accounts()).toEqual([]);
        await account.record({ stored: [stored(1, ['a'])] });
        expect(ledger.accounts()).toMatchObject([{ account: 'alice' }]);
        expect([...account.known()]).toHaveLength(1);
      });

      test('is there with the second thing where the first, recorded at the same time, fails', async () => {
        const account = await openAlice();
        const [failed, recorded] = await Promise.allSettled([
          account.record({ relisted: [{ rowId: 1, uidl: 'x', listedOctets: 1 }] }),
          account.record({ stored: [stored(1, ['a'])] }),
        ]);
        expect([failed.status, recorded.status]).toEqual(['rejected', 'fulfilled']);
        expect(onlyRow(account).uidl).toBe('uid-1');
      });

      test('shows each thing that was the first to be recorded of it', async () => {
        const ledger = await open();
        const openTwice = (id: string) =>
          [ledger.openAccount({ ...ALICE, id }), ledger.openAccount({ ...ALICE, id })] as const;
        const [noting, journal] = openTwice('noting');
        await noting.journal('a').write(7);
        expect(journal.journal('a').read()).toBe(7);
        const [waiting, times] = openTwice('waiting');
        await waiting.recordLoginTimes({ nextLoginAt: 9, learnedDelayMs: 0 });
        expect(times.loginTimes()).toEqual({ nextLoginAt: 9, learnedDelayMs: 0 });
        const [moving, moved] = openTwice('moving');
        await moving.record({ stored: [stored(3, ['a'])] });
        ledger.openAccount({ ...ALICE, id: 'moving', host: 'other.example.net' });
        expect([...moved.known()]).toHaveLength(1);
      });
    });

    describe('receipts by place', () => {
      const NAMES = ['a', 'b'] as const;

      test('are counted per sink and root, those of a path that the job had before too', async () => {
        const account = await openAlice(NAMES);
        const moved = { ...placed(digestOf(3)), root: '/mnt/archive' };
        await account.record({
          stored: [
            stored(1, ['a', 'b']),
            stored(2, ['a'], { failure: FAILURE }),
            stored(3, [], { receipts: new Map([['a', moved]]), failure: FAILURE }),
          ],
        });
        expect(account.archives()).toEqual([
          { sink: 'a', root: '/srv/archive', receipts: 2, storedOctets: 180 },
          { sink: 'a', root: '/mnt/archive', receipts: 1, storedOctets: 90 },
          { sink: 'b', root: '/srv/archive', receipts: 1, storedOctets: 90 },
        ]);
      });

      test('are read one by one over any number of pages, with their rows', async () => {
        const account = await openAlice(NAMES);
        const all = Array.from({ length: 1201 }, (_, index) => stored(index, ['a', 'b']));
        await account.record({ stored: all });
        const read = [...account.receiptsIn({ sink: 'b', root: '/srv/archive' })];
        expect(read.map(({ receipt }) => receipt.sha256)).toEqual(all.map(({ sha256 }) => sha256));
        expect(read[7]).toEqual({
          rowId: expect.any(Number),
          uidl: 'uid-7',
          listedOctets: 100,
          state: 'verified',
          receipt: placed(digestOf(7)).receipt,
        });
        expect([...account.receiptsIn({ sink: 'b', root: '/elsewhere' })]).toEqual([]);
      });

      test('are the same beside the writer, as are journals', async () => {
        const ledger = await open(NAMES);
        const account = ledger.openAccount(ALICE);
        await account.record({ stored: [stored(1, ['a', 'b'])], journals: new Map([['a', { at: 9 }]]) });
        const reader = fixture.read();
        onTestFinished(() => reader?.close());
        const alice = reader?.account('alice');
        const archive = { sink: 'a', root: '/srv/archive' };
        expect(alice?.archives()).toEqual(account.archives());
        expect([...(alice?.receiptsIn(archive) ?? [])]).toEqual([...account.receiptsIn(archive)]);
        expect([alice?.journal('a').read(), alice?.journal('b').read()]).toEqual([{ at: 9 }, undefined]);
      });

      test('that a sink has lost are forgotten: the message is listed again, and lacks that sink alone', async () => {
        const account = await openAlice(NAMES);
        await account.record({ stored: [stored(1, ['a', 'b'])] });
        const { rowId } = onlyRow(account);
        await account.forgetReceipts([rowId], 'b');
        expect(onlyRow(account)).toMatchObject({
          state: 'listed',
          isComplete: false,
          sinks: ['a'],
          sha256: digestOf(1),
        });
        expect([...account.receipts(rowId).keys()]).toEqual(['a']);
        await account.forgetReceipts([rowId], 'b');
        await account.record({ stored: [stored(1, ['b'], { rowId })] });
        expect(onlyRow(account)).toMatchObject({ state: 'verified', isComplete: true, sinks: ['a', 'b'] });
      });

      test('of a message in deletion are never forgotten, and with it none of the call', async () => {
        const account = await openAlice(NAMES);
        await account.record({ stored: [stored(1, NAMES), stored(2, NAMES)] });
        const rowIds = [...account.known()].map(({ rowId }) => rowId);
        await account.move(rowIds.slice(1), 'requestDeletion');
        await expect(account.forgetReceipts(rowIds, 'a')).rejects.toThrow(/cannot reopen/);
        expect(account.rows(rowIds).map(({ state, sinks }) => [state, sinks.length])).toEqual([
          ['verified', 2],
          ['deletion-requested', 2],
        ]);
      });
    });

    describe('a batch', () => {
      test('is recorded whole or not at all', async () => {
        const account = await openAlice();
        const bad = stored(2, [], { receipts: new Map([['a', placed(digestOf(3))]]) });
        const batch = { stored: [stored(1, ['a']), bad], journals: new Map([['a', 1]]) };
        await expect(account.record(batch)).rejects.toThrow();
        expect([...account.known()]).toEqual([]);
        expect(account.journal('a').read()).toBeUndefined();
        await account.record({ stored: [stored(1, ['a'])] });
        expect([...account.known()]).toHaveLength(1);
      });

      test('may be empty', async () => {
        const account = await openAlice();
        await account.record({});
        expect([...account.known()]).toEqual([]);
      });

      test('survives closing and opening again', async () => {
        const first = await fixture.open(['a']);
        await first
          .openAccount(ALICE)
          .record({ stored: [stored(1, ['a'])], journals: new Map([['a', { n: 7 }]]) });
        first.close();
        const account = await openAlice();
        expect(onlyRow(account).state).toBe('verified');
        expect(account.journal('a').read()).toEqual({ n: 7 });
      });
    });

    describe('a journal', () => {
      test('gives back the last value written, per sink and account', async () => {
        const ledger = await open(['a', 'b']);
        const alice = ledger.openAccount(ALICE);
        const bob = ledger.openAccount({ ...ALICE, id: 'bob' });
        expect(alice.journal('a').read()).toBeUndefined();
        await alice.journal('a').write({ text: '\u0000␀"\\', list: [1, null, true] });
        await alice.journal('b').write('other');
        await alice.journal('b').write(null);
        expect(alice.journal('a').read()).toEqual({ text: '\u0000␀"\\', list: [1, null, true] });
        expect(alice.journal('b').read()).toBeNull();
        expect(bob.journal('a').read()).toBeUndefined();
      });
    });

    describe('runs', () => {
      const counts = {
        listed: 9,
        archivedNow: 1,
        archivedBefore: 2,
        skipped: 3,
        quarantined: 1,
        failed: 2,
        unreached: 1,
        octets: 5_000_000_000,
      };
      const accountRun = (account: string): AccountRun => ({
        account,
        outcome: 'failed',
        counts,
        startedAt: 10,
        finishedAt: 20,
        failure: FAILURE,
      });

      test('add up their accounts, newest first, and one that was killed stays without an end', async () => {
        const first = await fixture.open(['a'], () => 5);
        const killed = await first.startRun('0.1.0');
        first.close();
        const ledger = await open();
        const runId = await ledger.startRun('0.1.0');
        await ledger.recordAccountRun(runId, accountRun('alice'));
        await ledger.recordAccountRun(runId, accountRun('bob'));
        await ledger.finishRun(runId, 'failed');
        expect(ledger.runs(10)).toEqual([
          expect.objectContaining({
            id: runId,
            finishedAt: clock,
            outcome: 'failed',
            accounts: 2,
            counts: expect.objectContaining({ listed: 18, octets: 10_000_000_000 }),
          }),
          expect.objectContaining({ id: killed, startedAt: 5, finishedAt: null, outcome: null, accounts: 0 }),
        ]);
        expect(ledger.runs(1)).toHaveLength(1);
      });

      test('keep an account that came to no session, and what it comes to later', async () => {
        const ledger = await open();
        const runId = await ledger.startRun('0.1.0');
        await ledger.recordAccountRun(runId, accountRun('alice'));
        await ledger.openAccount(ALICE).record({ stored: [stored(1, ['a'])] });
        expect(ledger.accounts()).toMatchObject([{ account: 'alice', lastRun: accountRun('alice') }]);
        expect([...ledger.openAccount(ALICE).known()]).toHaveLength(1);
      });

      test('leave with each account what became of it last, even where it had no session', async () => {
        const ledger = await open();
        const older = await ledger.startRun('0.1.0');
        await ledger.recordAccountRun(older, { ...accountRun('alice'), outcome: 'done', failure: undefined });
        const newer = await ledger.startRun('0.1.0');
        await ledger.recordAccountRun(newer, accountRun('alice'));
        expect(ledger.accounts()).toEqual([
          expect.objectContaining({ account: 'alice', lastRun: accountRun('alice') }),
        ]);
      });
    });

    describe('the time of the next login', () => {
      test('Q42, RFC-72: outlives the run, shows beside it, and goes with another host or user', async () => {
        const ledger = await open();
        const account = ledger.openAccount(ALICE);
        expect(account.loginTimes()).toEqual({ nextLoginAt: null, learnedDelayMs: 0 });
        expect(ledger.accounts()).toEqual([]);
        const times = { nextLoginAt: 1_700_000_000_000, learnedDelayMs: 60_000 };
        await account.recordLoginTimes(times);
        ledger.close();
        const again = await open();
        expect(again.openAccount(ALICE).loginTimes()).toEqual(times);
        expect(again.accounts()).toMatchObject([{ nextLoginAt: times.nextLoginAt }]);
        const moved = again.openAccount({ ...ALICE, host: 'other.example.net' });
        expect(moved.loginTimes()).toEqual({ nextLoginAt: null, learnedDelayMs: 0 });
      });
    });

    describe('a reader', () => {
      test('is not there before the ledger is', () => {
        expect(fixture.read()).toBeUndefined();
      });

      test('sees what is recorded while the job runs', async () => {
        const account = await openAlice();
        const reader = fixture.read();
        onTestFinished(() => reader?.close());
        expect([...(reader?.account('alice')?.known() ?? [])]).toEqual([]);
        await account.record({ stored: [stored(1, ['a'])] });
        expect([...(reader?.account('alice')?.known() ?? [])]).toHaveLength(1);
        expect(reader?.account('alice')?.rowsByDigest(digestOf(1))).toEqual(
          account.rowsByDigest(digestOf(1)),
        );
        expect(reader?.account('nobody')).toBeUndefined();
      });

      test('finds rows by digest while they are recorded, whoever asks first', async () => {
        const account = await openAlice();
        const reader = fixture.read();
        onTestFinished(() => reader?.close());
        const asked = (number: number) => reader?.account('alice')?.rowsByDigest(digestOf(number)).length;
        expect(asked(1)).toBeUndefined();
        await account.record({ stored: [stored(4, ['a'])] });
        expect(asked(1)).toBe(0);
        await account.record({ stored: [stored(1, ['a'])] });
        expect([asked(1), asked(2)]).toEqual([1, 0]);
        await account.record({ stored: [stored(2, ['a'])] });
        expect([asked(1), asked(2)]).toEqual([1, 1]);
        expect(account.rowsByDigest(digestOf(2))).toHaveLength(1);
        await account.record({ stored: [stored(3, ['a'])] });
        expect([asked(3), account.rowsByDigest(digestOf(3)).length]).toEqual([1, 1]);
      });

      test('sums up each account by state', async () => {
        const ledger = await open(['a', 'b']);
        const failed = { rowId: undefined, uidl: 'f', listedOctets: 1, failure: FAILURE };
        await ledger.openAccount(ALICE).record({
          stored: [stored(1, ['a', 'b']), stored(2, ['a', 'b']), stored(3, ['a'], { failure: FAILURE })],
          failed: [
            { ...failed, quarantine: false },
            { ...failed, uidl: 'q', quarantine: true },
          ],
          skipped: [{ rowId: undefined, uidl: 's', listedOctets: 1, datedAt: null, rule: 'r' }],
        });
        const nothing = { nextLoginAt: null, learnedDelayMs: 0 };
        await ledger.openAccount({ ...ALICE, id: '\u0000odd ␀' }).recordLoginTimes(nothing);
        const [odd, alice] = ledger.accounts().toSorted((a, b) => a.octets - b.octets);
        expect(odd).toMatchObject({ account: '\u0000odd ␀', octets: 0, incomplete: 0, lastRun: undefined });
        expect(alice).toMatchObject({
          account: 'alice',
          byState: { listed: 2, archived: 0, verified: 2, skipped: 1, quarantined: 1, deleted: 0 },
          octets: 196,
          incomplete: 2,
        });
      });

      test('shows who is in trouble, the latest first, and forgets those that got well', async () => {
        const ledger = await open();
        const account = ledger.openAccount(ALICE);
        const failed = { rowId: undefined, listedOctets: 1, failure: FAILURE, quarantine: false };
        await account.record({ failed: [{ ...failed, uidl: 'early' }] });
        await account.record({ failed: [{ ...failed, uidl: 'bad\u0000', quarantine: true }] });
        await account.record({ failed: [{ ...failed, uidl: 'well' }] });
        const well = [...account.known()].find(({ uidl }) => uidl === 'well')?.rowId;
        await account.record({ stored: [stored(1, ['a'], { rowId: well })] });
        await account.record({ failed: [{ ...failed, uidl: 'late' }] });
        expect(ledger.troubled(5).map(({ uidl }) => uidl)).toEqual(['late', 'early']);
        expect(ledger.troubled(1)).toHaveLength(1);
        expect(ledger.quarantined(5)).toMatchObject([
          { uidl: 'bad\u0000', state: 'quarantined', listedOctets: 1, unlistedAt: null },
        ]);
      });
    });

    describe('an account', () => {
      test('stays the same when its host and user change', async () => {
        const ledger = await open();
        await ledger.openAccount(ALICE).record({ stored: [stored(1, ['a'])] });
        const moved = ledger.openAccount({ id: 'alice', host: 'new.example.net', user: 'al' });
        expect([...moved.known()]).toHaveLength(1);
        expect(ledger.accounts()).toHaveLength(1);
      });
    });

    test('a second opening is refused while the first is open, and free after', async () => {
      const first = await fixture.open(['a']);
      await expect(fixture.open(['a'])).rejects.toMatchObject({
        code: 'job-running',
        scope: 'run',
        retry: 'later',
      });
      first.close();
      first.close();
      const second = await fixture.open(['a']);
      second.close();
    });
  });
}
