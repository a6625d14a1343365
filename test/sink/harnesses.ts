/**
 * Each sink's store, read and spoilt by simple code that shares nothing with the sink.
 */
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Disk } from '../../src/sink/disk.ts';
import { MaildirSink } from '../../src/sink/maildir/maildir-sink.ts';
import { MboxSink } from '../../src/sink/mbox/mbox-sink.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Receipt, SinkAccount } from '../../src/sink/sink.ts';
import type { Damage, SinkHarness } from '../contract/sink-contract.ts';

/** A folder for each account, whatever its id holds. */
export const folderName = ({ id }: SinkAccount): string =>
  Buffer.from(id).toString('hex').slice(0, 100) || 'empty';

function toWire(stored: Buffer, { form }: Receipt): Buffer {
  return form === 'lf' ? Buffer.from(stored.toString('latin1').replaceAll('\n', '\r\n'), 'latin1') : stored;
}

function spoilFile(path: string, offset: number, length: number, damage: Exclude<Damage, 'removed'>): void {
  const octets = readFileSync(path);
  if (damage === 'flipped') {
    const at = offset + Math.floor(length / 2);
    octets.writeUInt8(octets.readUInt8(at) ^ 1, at);
    writeFileSync(path, octets);
  } else if (damage === 'truncated') {
    truncateSync(path, offset + length - 1);
  } else {
    appendFileSync(path, '\n');
  }
}

export function maildirHarness(folder: string, disk?: Disk): SinkHarness {
  return {
    openSink: () =>
      new MaildirSink({
        name: 'maildir:test',
        pathFor: (account) => join(folder, folderName(account)),
        ...(disk === undefined ? {} : { disk }),
      }),
    readBack: (root, receipt) => toWire(readFileSync(maildirFile(root, receipt)), receipt),
    count: (root) => readdirSync(join(root, 'new')).length + readdirSync(join(root, 'cur')).length,
    damage: (root, receipt, damage) => {
      const path = maildirFile(root, receipt);
      if (damage === 'removed') {
        rmSync(path);
      } else {
        spoilFile(path, 0, receipt.storedOctets, damage);
      }
      return true;
    },
  };
}

/** Where a receipt's file is, wherever a reader moved it. */
function maildirFile(root: string, { location }: Receipt): string {
  const moved = readdirSync(join(root, 'cur')).find((name) => `new/${name.split(':')[0]}` === location);
  return moved === undefined ? join(root, location) : join(root, 'cur', moved);
}

export function mboxHarness(folder: string, disk?: Disk): SinkHarness {
  return {
    openSink: () =>
      new MboxSink({
        name: 'mbox:test',
        pathFor: (account) => join(folder, `${folderName(account)}.mbox`),
        patienceMs: 0,
        ...(disk === undefined ? {} : { disk }),
      }),
    readBack: (root, receipt) => {
      const { offset, length } = mboxPlace(receipt);
      const quoted = readFileSync(root)
        .subarray(offset, offset + length)
        .toString('latin1');
      return toWire(Buffer.from(quoted.replaceAll(/(?<=^|\n)>(>*From )/g, '$1'), 'latin1'), receipt);
    },
    count: (root) => mboxSeparators(root).length,
    damage: (root, receipt, damage) => {
      const { offset, length } = mboxPlace(receipt);
      if (damage === 'removed') {
        rmSync(root);
      } else if (damage === 'appended') {
        // Behind the last message is another's place: nothing of ours is spoilt.
        return false;
      } else {
        spoilFile(root, offset, length, damage);
      }
      return true;
    },
    kill: (root) => rmSync(`${root}.lock`, { force: true }),
  };
}

function mboxPlace({ location }: Receipt): { offset: number; length: number } {
  const [offset, length] = location.split('+').map(Number);
  if (offset === undefined || length === undefined) {
    throw new Error(`not a place in an mbox: ${location}`);
  }
  return { offset, length };
}

/** The From_ lines, each of which must follow an empty line and be complete. */
export function mboxSeparators(path: string): string[] {
  const text = existsSync(path) ? readFileSync(path, 'latin1') : '';
  const separators = text.split(/(?<=\n)/).filter((line) => line.startsWith('From '));
  for (const [line] of text.matchAll(/(?<=^|\n\n)From .*\n/g)) {
    if (!/^From [!-~]+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n$/.test(line)) {
      throw new Error(`not a From_ line: ${line}`);
    }
  }
  const wellPlaced = text.match(/(?<=^|\n\n)From /g)?.length ?? 0;
  if (wellPlaced !== separators.length || (text !== '' && !text.endsWith('\n\n'))) {
    throw new Error(`${separators.length} From_ lines, ${wellPlaced} of them behind an empty line`);
  }
  return separators;
}

export function memoryHarness(): SinkHarness {
  const sink = new MemorySink();
  const heldIn = (root: string): Map<string, Buffer> =>
    [...sink.held].find(([id]) => `memory:${id}` === root)?.[1] ?? new Map();
  return {
    openSink: () => sink,
    readBack: (root, { location }) => heldIn(root).get(location) ?? Buffer.alloc(0),
    count: (root) => heldIn(root).size,
    damage: (root, { location }, damage) => {
      const held = heldIn(root);
      const octets = Buffer.from(held.get(location) ?? '');
      if (damage === 'removed') {
        return held.delete(location);
      }
      octets.writeUInt8(octets.readUInt8(0) ^ 1, 0);
      const spoilt = {
        flipped: octets,
        truncated: octets.subarray(1),
        appended: Buffer.concat([octets, octets]),
      };
      held.set(location, spoilt[damage]);
      return true;
    },
  };
}
