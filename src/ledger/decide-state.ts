/**
 * What state a row is in after a store, a failure, a skip or a recognition: pure decisions over the table of states.ts.
 *
 * | what is recorded | the row lacks a receipt | the row is complete | the row is quarantined |
 * | --- | --- | --- | --- |
 * | stored, receipts of all sinks | archived or verified | the same, counted anew | archived or verified |
 * | stored, some receipts missing | listed or quarantined | cannot be | listed or quarantined |
 * | failed | listed or quarantined | stays | listed or quarantined |
 * | skipped | skipped | stays | stays |
 * | relisted | stays | archived or verified, if it was not; verified, if it was in deletion | archived or verified, if it is complete |
 *
 * A complete row is never taken back: a failure or a rule that names it is about a message that only may be the same one
 * (its unique-id came under another size), and what is proved stays proved.
 */
import { isInDeletion, type MessageState, moveState } from './states.ts';

/** What the decisions need to know of a row, receipts that are being recorded included. */
export interface RowFacts {
  readonly state: MessageState;
  /** Every sink of the job has a receipt. */
  readonly isComplete: boolean;
  /** All these receipts are proofs by reading back or by checksum. */
  readonly isProved: boolean;
}

export function stateAfterStore(row: RowFacts, isQuarantined = false): MessageState {
  const before = reopened(row.state);
  if (!row.isComplete) {
    return moveState(before, isQuarantined ? 'quarantine' : 'fail');
  }
  const archived = moveState(before, 'archive');
  return row.isProved ? moveState(archived, 'verify') : archived;
}

export function stateAfterFailure(row: RowFacts, isQuarantined: boolean): MessageState {
  return staysAsItIs(row) ? row.state : moveState(reopened(row.state), isQuarantined ? 'quarantine' : 'fail');
}

export function stateAfterSkip(row: RowFacts): MessageState {
  return staysAsItIs(row) || row.state === 'quarantined' ? row.state : moveState(reopened(row.state), 'skip');
}

/**
 * A row that lacked a receipt of a sink which the job has no more is complete now, and says so once it is recognised. One
 * in deletion that is recognised by its octets has returned.
 */
export function stateAfterRecognition(row: RowFacts): MessageState {
  if (row.isComplete && isInDeletion(row.state)) {
    return moveState(row.state, 'return');
  }
  return row.isComplete && isOpen(row.state) ? stateAfterStore(row) : row.state;
}

/** Whether a failure or a rule leaves the row's state alone. */
export function staysAsItIs({ state, isComplete }: Pick<RowFacts, 'state' | 'isComplete'>): boolean {
  return isComplete && !isOpen(state);
}

/** A message that a new sink of the job lacks is not archived any more, whatever it was. */
function reopened(state: MessageState): MessageState {
  const listed = isInDeletion(state) ? moveState(state, 'return') : state;
  return isArchived(listed) ? moveState(listed, 'reopen') : listed;
}

function isArchived(state: MessageState): state is 'archived' | 'verified' {
  return state === 'archived' || state === 'verified';
}

function isOpen(state: MessageState): boolean {
  return state === 'listed' || state === 'skipped' || state === 'quarantined';
}
