/**
 * The part of the catalogue (misbehaviour.ts) that is about the mailbox itself: what a session is shown of it, and what its
 * end removes, whatever was answered. It must not know sessions or sockets.
 */
import type { ChooseEntries, Removal } from './mailbox.ts';
import type { Misbehaviour } from './misbehaviour-switch.ts';

/** A connection that ends without QUIT commits its DELEs all the same (against RFC 1939 §6). */
export const deletesOnDrop = (): Misbehaviour =>
  removing('DELEs are committed without QUIT', ({ marked }) => marked);

/** QUIT removes what was retrieved too, DELE or not (`EXPIRE 0`, RFC 2449 §6.7). */
export const deletesRetrieved = (): Misbehaviour =>
  removing('QUIT removes what was retrieved', ({ isCommitted, marked, retrieved }) =>
    isCommitted ? new Set([...marked, ...retrieved]) : new Set(),
  );

/** QUIT is answered +OK, and nothing was removed. */
export const quitIgnored = (): Misbehaviour => removing('QUIT removes nothing', () => new Set());

/** A session is shown only a part of the mailbox: `showsOnly((all) => all.slice(0, 300))` (Gmail shows a window of it). */
export const showsOnly = (choose: ChooseEntries): Misbehaviour => ({
  name: 'a session is shown a part of the mailbox',
  strikes: () => false,
  shows: choose,
});

function removing(name: string, removes: Removal): Misbehaviour {
  return { name, strikes: () => false, removes };
}
