/**
 * Takes back what one sink said of some messages, since it does not hold them any more. It must not open or close
 * transactions: its caller does, so that all rows are one.
 */
import { STATE_CODES, stateOf } from './codes.ts';
import type { SinkSet } from './sink-set.ts';
import type { Database, Statement } from './sqlite.ts';
import { isInDeletion, type MessageState, moveState } from './states.ts';

const HELD = 'SELECT state FROM message WHERE account_id = ? AND id = ? AND (sinks & ?) <> 0';
const DELETE_RECEIPT = 'DELETE FROM receipt WHERE message_id = ? AND sink_id = ?';
const UPDATE_ROW = 'UPDATE message SET sinks = sinks & ~?, state = ? WHERE id = ?';

export class ReceiptForgetter {
  readonly #sinks: SinkSet;
  readonly #held: Statement<{ state: number }>;
  readonly #deleteReceipt: Statement;
  readonly #updateRow: Statement;

  constructor(database: Database, sinks: SinkSet) {
    this.#sinks = sinks;
    this.#held = database.prepare(HELD);
    this.#deleteReceipt = database.prepare(DELETE_RECEIPT);
    this.#updateRow = database.prepare(UPDATE_ROW);
  }

  /** @throws Error for a row in deletion: a defect of the caller. */
  forget(accountId: number, rowIds: readonly number[], sinkName: string): void {
    const mask = this.#sinks.maskOf([sinkName]);
    const isWanted = (mask & this.#sinks.wantedMask) !== 0n;
    for (const rowId of rowIds) {
      const held = this.#held.get(accountId, rowId, mask);
      if (held !== undefined) {
        const state = stateWithout(stateOf(held.state), isWanted);
        this.#deleteReceipt.run(rowId, this.#sinks.idOf(sinkName));
        this.#updateRow.run(mask, STATE_CODES[state], rowId);
      }
    }
  }
}

/** A sink that the job has no more is not missed. */
function stateWithout(state: MessageState, isWanted: boolean): MessageState {
  const isArchived = state === 'archived' || state === 'verified' || isInDeletion(state);
  return isArchived && isWanted ? moveState(state, 'reopen') : state;
}
