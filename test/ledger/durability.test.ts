/** What is left of a ledger whose process was killed at any instant. */
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { type CompiledChild, compileChild, killChild, startChild } from './child-process.ts';
import { temporaryStatePath } from './sqlite-fixture.ts';

const BATCH_SIZE = 20;
const SINKS = ['a', 'b'];

describe('a ledger whose process is killed while it records', () => {
  let compiled: CompiledChild;
  beforeAll(() => {
    compiled = compileChild();
  }, 60_000);
  afterAll(() => compiled.remove());

  /** Kills the child some instants after it has confirmed `count` batches; returns the last it confirmed. */
  async function recordAndKill(statePath: string, from: number, count: number): Promise<number> {
    const child = startChild(compiled.script, 'record', statePath, String(from), String(BATCH_SIZE));
    const lines = createInterface({ input: child.stdout });
    let confirmed = from - 1;
    let killing: Promise<void> | undefined;
    for await (const line of lines) {
      confirmed = Number(line);
      if (confirmed >= from + count - 1) {
        killing ??= killChild(child);
      }
    }
    await killing;
    return confirmed;
  }

  /** How many messages each batch has, asserting that nothing in it is half. */
  async function batchSizes(statePath: string): Promise<ReadonlyMap<number, number>> {
    const ledger = await openLedger({ statePath, job: 'nightly', sinks: SINKS });
    try {
      const account = ledger.openAccount({ id: 'alice', host: 'h', user: 'u' });
      const sizes = new Map<number, number>();
      for (const { uidl, rowId, state, isComplete } of account.known()) {
        expect([state, isComplete, account.receipts(rowId).size]).toEqual(['verified', true, 2]);
        const batch = Number(uidl.split('.')[0]);
        sizes.set(batch, (sizes.get(batch) ?? 0) + 1);
      }
      expect(account.journal('a').read()).toBe(sizes.size === 0 ? undefined : sizes.size - 1);
      return sizes;
    } finally {
      ledger.close();
    }
  }

  test('holds every batch that was confirmed, and no batch by half', async () => {
    const statePath = temporaryStatePath();
    let next = 0;
    for (const count of [1, 2, 3, 7, 1, 12, 5, 40]) {
      const confirmed = await recordAndKill(statePath, next, count);
      const sizes = await batchSizes(statePath);
      expect([...sizes.values()].every((size) => size === BATCH_SIZE)).toBe(true);
      expect([...sizes.keys()]).toEqual([...sizes.keys()].map((_, index) => index));
      expect(sizes.size).toBeGreaterThan(confirmed);
      next = sizes.size;
    }
  });

  test('can be read before anybody has opened it for writing again', async () => {
    const statePath = temporaryStatePath();
    const confirmed = await recordAndKill(statePath, 0, 3);
    const reader = openLedgerReader({ statePath });
    try {
      const known = [...(reader?.account('alice')?.known() ?? [])];
      expect(known.length).toBeGreaterThanOrEqual((confirmed + 1) * BATCH_SIZE);
      expect(known.length % BATCH_SIZE).toBe(0);
    } finally {
      reader?.close();
    }
  });
});
