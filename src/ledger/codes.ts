/**
 * The small numbers under which states, forms and proofs are stored: a million rows times eight letters is eight megabytes.
 * A number that was once given is never given to anything else. The tables `message_state` and the views spell them out.
 */
import type { Proof, StoredForm } from '../sink/sink.ts';
import type { MessageState } from './states.ts';

export const STATE_CODES = {
  listed: 0,
  archived: 1,
  verified: 2,
  'deletion-requested': 3,
  'deletion-answered': 4,
  deleted: 5,
  skipped: 6,
  quarantined: 7,
} as const satisfies Record<MessageState, number>;

export const FORM_CODES = { exact: 0, lf: 1 } as const satisfies Record<StoredForm, number>;

export const PROOF_CODES = { synced: 0, readback: 1, checksum: 2 } as const satisfies Record<Proof, number>;

export const stateOf = decoder('state', STATE_CODES);
export const formOf = decoder('form', FORM_CODES);
export const proofOf = decoder('proof', PROOF_CODES);

/** A number that is not in the table can only come from a damaged or foreign ledger: it is never guessed at. */
function decoder<Name extends string>(
  what: string,
  codes: Readonly<Record<Name, number>>,
): (code: number) => Name {
  // Object.entries widens the keys to string; they are exactly `Name`.
  const names = new Map((Object.entries(codes) as [Name, number][]).map(([name, code]) => [code, name]));
  return (code) => {
    const name = names.get(code);
    if (name === undefined) {
      throw new Error(`the ledger holds an unknown ${what}: ${code}`);
    }
    return name;
  };
}
