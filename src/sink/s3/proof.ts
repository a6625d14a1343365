/**
 * What the store really holds under a key, compared with what it should hold: by the store's own checksum where it is to be
 * believed, else by getting the octets back and hashing them. Changes nothing. One request, or two.
 */
import { createHash } from 'node:crypto';
import type { Abilities } from './abilities.ts';
import { type HeldObject, type ObjectName, type ObjectStore, StoreFailure } from './object-store.ts';

export interface Expected {
  readonly octets: number;
  readonly sha256: string;
}

export type Finding =
  /** The octets are there. */
  | { readonly kind: 'same'; readonly proof: 'checksum' | 'readback'; readonly held: HeldObject }
  /** Nobody looked: the answer to the put said what was taken. */
  | { readonly kind: 'answered' }
  /** Something is there; the store neither gives a checksum that is believed nor the octets. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'different'; readonly detail: string };

/** How far to believe the store. */
export type Trust = Pick<Abilities, 'checksum' | 'read'>;

/** @throws StoreFailure */
export async function findOut(
  store: ObjectStore,
  name: ObjectName,
  expected: Expected,
  trust: Trust,
  signal: AbortSignal,
): Promise<Finding> {
  if (trust.checksum === 'kept') {
    const held = await headUnlessSilent(store, name, signal);
    if (held === undefined) {
      return { kind: 'missing' };
    }
    if (held !== 'refused' && held.sha256 !== undefined) {
      return compare(expected, { octets: held.octets, sha256: held.sha256 }, 'checksum', held);
    }
    // Put by something that sends no SHA-256, or in parts: the octets themselves must tell.
  }
  return trust.read === 'denied' ? { kind: 'unknown' } : await readBack(store, name, expected, signal);
}

/**
 * A refused HEAD has no body and so no reason (expired, a wrong clock, not allowed): the GET that follows tells it.
 */
async function headUnlessSilent(
  store: ObjectStore,
  name: ObjectName,
  signal: AbortSignal,
): Promise<HeldObject | 'refused' | undefined> {
  try {
    return await store.head(name, signal);
  } catch (thrown) {
    if (thrown instanceof StoreFailure && (thrown.status === 400 || thrown.status === 403)) {
      return 'refused';
    }
    throw thrown;
  }
}

/** Always gets the octets. @throws StoreFailure */
export async function readBack(
  store: ObjectStore,
  name: ObjectName,
  expected: Expected,
  signal: AbortSignal,
): Promise<Finding> {
  const answer = await store.read(name, signal);
  if (answer === undefined) {
    return { kind: 'missing' };
  }
  const { held, content } = answer;
  const sha256 = createHash('sha256');
  let octets = 0;
  for await (const chunk of content) {
    sha256.update(chunk);
    octets += chunk.length;
  }
  if (held.octets >= 0 && octets < held.octets) {
    // A body that ends early was cut on its way: that says nothing of the object.
    throw new StoreFailure(`${octets} of ${held.octets} octets came`, {
      status: undefined,
      code: 'IncompleteBody',
    });
  }
  return compare(expected, { octets, sha256: sha256.digest('hex') }, 'readback', held);
}

function compare(
  expected: Expected,
  found: Expected,
  proof: 'checksum' | 'readback',
  held: HeldObject,
): Finding {
  return found.octets === expected.octets && found.sha256 === expected.sha256
    ? { kind: 'same', proof, held }
    : {
        kind: 'different',
        detail: `expected ${expected.octets} octets with SHA-256 ${expected.sha256}, found ${found.octets} with ${found.sha256}`,
      };
}
