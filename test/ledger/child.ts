/**
 * A process that uses the ledger, to be killed. `hold` opens it, says so and waits for the end of its input; `record` records
 * batch after batch until it is killed, and says each number once `record` has resolved. Says the code where it is refused.
 */
import { writeSync } from 'node:fs';
import { argv, exit, stdin } from 'node:process';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import type { StoredEntry } from '../../src/ledger/ledger.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';

const SINKS = ['a', 'b'];
const [, , mode, statePath = '', from = '0', batchSize = '20'] = argv;

const ledger = await openLedger({ statePath, job: 'nightly', sinks: SINKS }).catch((thrown: unknown) => {
  writeSync(1, thrown instanceof MailferryError ? thrown.code : String(thrown));
  exit(1);
});
if (mode === 'hold') {
  writeSync(1, 'open\n');
  stdin.on('end', () => ledger.close()).resume();
} else {
  const account = ledger.openAccount({ id: 'alice', host: 'h', user: 'u' });
  for (let batch = Number(from); ; batch += 1) {
    const stored = Array.from({ length: Number(batchSize) }, (_, index) => entryOf(batch, index));
    await account.record({ stored, journals: new Map([['a', batch]]) });
    writeSync(1, `${batch}\n`);
  }
}

function entryOf(batch: number, index: number): StoredEntry {
  const sha256 = `${batch}`.padStart(32, '0') + `${index}`.padStart(32, '0');
  const receipt = {
    location: `new/${sha256}`,
    form: 'lf',
    storedOctets: 90,
    sha256,
    proof: 'readback',
    provedAt: 1,
  } as const;
  return {
    rowId: undefined,
    uidl: `${batch}.${index}`,
    listedOctets: 100,
    octets: 98,
    sha256,
    headerSha256: sha256,
    copy: 0,
    receipts: new Map(SINKS.map((sink) => [sink, { root: '/srv', receipt }])),
  };
}
