/**
 * Reads one message back from its place in an mbox and digests its wire form. It writes nothing.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CHUNK_OCTETS } from '../../message/content.ts';
import type { StoredForm } from '../sink.ts';
import type { StoredDigest } from '../stored-file.ts';
import { WireDigest } from '../stored-form.ts';
import type { MboxLocation } from './location.ts';
import { Unquoter } from './quoting.ts';

/** @returns what could be read; fewer octets than asked for where the file ends. @throws what a system call threw */
export async function digestRange(
  path: string,
  { offset, octets }: MboxLocation,
  form: StoredForm,
): Promise<StoredDigest> {
  const fd = openSync(path, 'r');
  try {
    const digest = new WireDigest(form);
    const unquoter = new Unquoter();
    let taken = 0;
    while (taken < octets) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_OCTETS, octets - taken));
      const read = readSync(fd, buffer, 0, buffer.length, offset + taken);
      if (read === 0) {
        break;
      }
      digest.push(unquoter.push(buffer.subarray(0, read)));
      taken += read;
      if (taken < octets) {
        // A large message must not hold up the sessions of all the others.
        await nextTurn();
      }
    }
    digest.push(unquoter.end());
    return { octets: taken, sha256: digest.end() };
  } finally {
    closeSync(fd);
  }
}
