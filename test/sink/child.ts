/**
 * A process of its own that stores mail until it is killed or done: `child.js <kind> <folder> <death>`. What the ledger
 * would record goes into one small file, replaced whole, so that it is as durable against a kill as a transaction.
 * Dies by SIGKILL at the call to the disk with the number `death`, in the middle of whatever else is going on; 0 is never.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageFromBuffer } from '../../src/message/message-builder.ts';
import { type Disk, NODE_DISK } from '../../src/sink/disk.ts';
import { MaildirSink } from '../../src/sink/maildir/maildir-sink.ts';
import { MboxSink } from '../../src/sink/mbox/mbox-sink.ts';
import type { JsonValue, Receipt, StorableMessage } from '../../src/sink/sink.ts';

export interface Ledger {
  readonly journal?: JsonValue;
  readonly receipts: Readonly<Record<string, Receipt>>;
}

export const MESSAGES = 120;
const BATCH = 25;

/** Every kind of message that the sinks treat differently. */
export function childMessage(n: number): StorableMessage {
  const bodies = [
    'plain\r\n',
    'From x\r\n>From y\r\n',
    'bare\nFrom x\n',
    'no end',
    `${'large\r\n'.repeat(20_000)}`,
  ];
  const text = `From: a${n}@example.org\r\nSubject: ${n}\r\n\r\n${bodies[n % bodies.length]}`;
  return { uidl: `u${n}`, copy: 0, message: messageFromBuffer(Buffer.from(text)) };
}

export function readLedger(folder: string): Ledger {
  try {
    return JSON.parse(readFileSync(join(folder, 'ledger.json'), 'utf8'));
  } catch {
    // The first run: nothing is recorded.
    return { receipts: {} };
  }
}

function writeLedger(folder: string, ledger: Ledger): void {
  writeFileSync(join(folder, 'ledger.new'), JSON.stringify(ledger));
  renameSync(join(folder, 'ledger.new'), join(folder, 'ledger.json'));
}

/** Kills this process at the call with that number. */
function deadlyDisk(death: number): Disk {
  let calls = 0;
  const counted =
    <Parameters extends unknown[], Result>(run: (...parameters: Parameters) => Result) =>
    (...parameters: Parameters): Result => {
      if (++calls === death) {
        process.kill(process.pid, 'SIGKILL');
      }
      return run(...parameters);
    };
  const { open, write, truncate, rename, unlink, close, sync, syncData } = NODE_DISK;
  return {
    open: counted(open),
    write: counted(write),
    truncate: counted(truncate),
    rename: counted(rename),
    unlink: counted(unlink),
    close: counted(close),
    sync: counted(sync),
    syncData: counted(syncData),
  };
}

async function main(kind: string, folder: string, death: number): Promise<void> {
  const options = {
    name: kind,
    pathFor: () => join(folder, 'archive'),
    patienceMs: 0,
    disk: deadlyDisk(death),
  };
  const sink = kind === 'mbox' ? new MboxSink(options) : new MaildirSink(options);
  let ledger = readLedger(folder);
  const record = (change: Partial<Ledger>): void => {
    ledger = { ...ledger, ...change };
    writeLedger(folder, ledger);
  };
  const archive = await sink.openArchive(
    { id: 'alice', host: 'h', user: 'u' },
    { read: () => ledger.journal, write: async (journal) => record({ journal }) },
  );
  const missing = Array.from({ length: MESSAGES }, (_, n) => n).filter(
    (n) => ledger.receipts[n] === undefined,
  );
  for (let at = 0; at < missing.length; at += BATCH) {
    const numbers = missing.slice(at, at + BATCH);
    const { outcomes, journal } = await archive.store(
      numbers.map(childMessage),
      new AbortController().signal,
    );
    const receipts = { ...ledger.receipts };
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.kind === 'failed') {
        throw outcome.error;
      }
      receipts[String(numbers[index])] = outcome.receipt;
    }
    record(journal === undefined ? { receipts } : { receipts, journal });
  }
  await archive.close();
  await sink.close();
}

const [, script = '', kind, folder, death] = process.argv;
if (script.endsWith('child.js') && kind !== undefined && folder !== undefined) {
  await main(kind, folder, Number(death));
}
