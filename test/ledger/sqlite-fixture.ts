/** A SQLite ledger in a temporary state folder that goes with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import type { LedgerFixture } from '../contract/ledger-contract.ts';

/** A state folder that does not exist yet, below a temporary folder with a name that URIs and SQL would trip over. */
export function temporaryStatePath(): string {
  const root = mkdtempSync(join(tmpdir(), "mailferry ledger?#%'-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return join(root, 'state', 'job');
}

export function sqliteFixture(): LedgerFixture {
  const root = mkdtempSync(join(tmpdir(), "mailferry ledger?#%'-"));
  const statePath = join(root, 'state');
  return {
    open: (sinks, now) => openLedger({ statePath, job: 'nightly', sinks, now }),
    read: (sinks) => openLedgerReader({ statePath, sinks }),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}
