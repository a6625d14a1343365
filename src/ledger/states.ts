/**
 * The life of a message as the ledger records it: the one table of states and moves, and the one function that moves.
 *
 * `listed` is entered when a message was seen but not (wholly) archived: fetching it failed, or one of several sinks did.
 * `archived` means a durable receipt of every sink; `verified` that each of these was read back or answered by checksum.
 * The deletion states are promises to the outside, so each is durable before the step that it names is taken: `requested`
 * before DELE, `answered` after the +OK to QUIT, `deleted` when a later listing no longer shows it. A message that shows
 * again `return`s to `verified`. One that a new sink of the job lacks `reopen`s: it is not archived everywhere any more; so
 * does one that is stored anew, until its new receipts are counted, and one that a sink has lost. `skipped` is judged anew at each run, since rules depend on the date; `quarantined` waits
 * for a person. Fetched is not here: it is ephemeral.
 */
export const STATES = [
  'listed',
  'archived',
  'verified',
  'deletion-requested',
  'deletion-answered',
  'deleted',
  'skipped',
  'quarantined',
] as const;

export type MessageState = (typeof STATES)[number];

export const MOVES = {
  fail: { from: ['listed', 'skipped', 'quarantined'], to: 'listed' },
  skip: { from: ['listed', 'skipped'], to: 'skipped' },
  quarantine: { from: ['listed', 'skipped', 'quarantined'], to: 'quarantined' },
  archive: { from: ['listed', 'skipped', 'quarantined', 'archived'], to: 'archived' },
  verify: { from: ['archived', 'verified'], to: 'verified' },
  reopen: { from: ['archived', 'verified'], to: 'listed' },
  requestDeletion: { from: ['verified'], to: 'deletion-requested' },
  answerDeletion: { from: ['deletion-requested'], to: 'deletion-answered' },
  confirmDeletion: { from: ['deletion-requested', 'deletion-answered'], to: 'deleted' },
  return: { from: ['deletion-requested', 'deletion-answered', 'deleted'], to: 'verified' },
} as const satisfies Record<string, { from: readonly MessageState[]; to: MessageState }>;

export type Move = keyof typeof MOVES;

/** The state after `move`. @throws Error on a move that the table does not have: that is a defect, never a server's fault. */
export function moveState(from: MessageState, move: Move): MessageState {
  const { from: allowed, to }: { from: readonly MessageState[]; to: MessageState } = MOVES[move];
  if (!allowed.includes(from)) {
    throw new Error(`a message cannot ${move} from the state ${from}; it can from ${allowed.join(', ')}`);
  }
  return to;
}

/** The states of a message that every sink has proved to hold, whatever became of it at the source. */
export function isVerified(state: MessageState): boolean {
  return state === 'verified' || isInDeletion(state);
}

/** The states between the wish to delete at the source and its confirmation, and that confirmation. */
export function isInDeletion(state: MessageState): boolean {
  return state === 'deletion-requested' || state === 'deletion-answered' || state === 'deleted';
}
