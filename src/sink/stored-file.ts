/**
 * Reading back what a sink holds, for proof: its octets turned into the wire form again and digested. It writes nothing.
 */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { CHUNK_OCTETS } from '../message/content.ts';
import type { Receipt, StoredForm, Verification } from './sink.ts';
import { WireDigest, wireDigestOf } from './stored-form.ts';

/** Read in one call up to this size: for files of a few KB that takes a tenth of the time of a stream. */
const WHOLE_FILE_OCTETS = 256 * 1024;

export interface StoredDigest {
  /** Octets that were read. */
  readonly octets: number;
  /** SHA-256 of the wire form. */
  readonly sha256: string;
}

/** @throws what the system call threw: ENOENT where there is no such file */
export async function digestFile(path: string, form: StoredForm): Promise<StoredDigest> {
  if (statSync(path).size <= WHOLE_FILE_OCTETS) {
    const stored = readFileSync(path);
    return { octets: stored.length, sha256: wireDigestOf(stored, form) };
  }
  const digest = new WireDigest(form);
  let octets = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_OCTETS })) {
    digest.push(chunk);
    octets += chunk.length;
  }
  return { octets, sha256: digest.end() };
}

/** Compares what is there with what a receipt says. */
export function compareStored(
  found: StoredDigest,
  { storedOctets, sha256 }: Pick<Receipt, 'storedOctets' | 'sha256'>,
): Verification {
  if (found.octets !== storedOctets) {
    return { kind: 'changed', detail: `it takes ${found.octets} octets, expected ${storedOctets}` };
  }
  if (found.sha256 !== sha256) {
    return { kind: 'changed', detail: `its SHA-256 is ${found.sha256}, expected ${sha256}` };
  }
  return { kind: 'intact' };
}
