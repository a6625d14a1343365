/** The table of states and moves, pair by pair, and the decisions over it. */
import { describe, expect, test } from 'vitest';
import {
  type RowFacts,
  stateAfterFailure,
  stateAfterRecognition,
  stateAfterSkip,
  stateAfterStore,
} from '../../src/ledger/decide-state.ts';
import { type MessageState, MOVES, type Move, moveState, STATES } from '../../src/ledger/states.ts';

/** Written out a second time, so that a slip in the table of states.ts does not pass unseen. `-` is refused. */
const EXPECTED: Readonly<Record<Move, readonly (MessageState | '-')[]>> = {
  //               listed         archived    verified     requested             answered              deleted     skipped        quarantined
  fail: ['listed', '-', '-', '-', '-', '-', 'listed', 'listed'],
  skip: ['skipped', '-', '-', '-', '-', '-', 'skipped', '-'],
  quarantine: ['quarantined', '-', '-', '-', '-', '-', 'quarantined', 'quarantined'],
  archive: ['archived', 'archived', '-', '-', '-', '-', 'archived', 'archived'],
  verify: ['-', 'verified', 'verified', '-', '-', '-', '-', '-'],
  reopen: ['-', 'listed', 'listed', '-', '-', '-', '-', '-'],
  requestDeletion: ['-', '-', 'deletion-requested', '-', '-', '-', '-', '-'],
  answerDeletion: ['-', '-', '-', 'deletion-answered', '-', '-', '-', '-'],
  confirmDeletion: ['-', '-', '-', 'deleted', 'deleted', '-', '-', '-'],
  return: ['-', '-', '-', 'verified', 'verified', 'verified', '-', '-'],
};

// Object.keys widens to string; these are the keys of MOVES.
const ALL_MOVES = Object.keys(MOVES) as Move[];

describe('moveState', () => {
  test.each(ALL_MOVES)(
    '%s leads where the table says from each state, and is refused from all others',
    (move) => {
      const outcomes = STATES.map((state) => {
        try {
          return moveState(state, move);
        } catch {
          return '-';
        }
      });
      expect(outcomes).toEqual(EXPECTED[move]);
    },
  );

  test('names the move, the state and what would have been allowed', () => {
    expect(() => moveState('listed', 'requestDeletion')).toThrow(
      'a message cannot requestDeletion from the state listed; it can from verified',
    );
  });
});

describe('decisions', () => {
  const ARCHIVED_ON: readonly MessageState[] = [
    'archived',
    'verified',
    'deletion-requested',
    'deletion-answered',
    'deleted',
  ];

  test.each(ARCHIVED_ON)('neither a failure nor a rule takes back a complete %s message', (state) => {
    const row: RowFacts = { state, isComplete: true, isProved: true };
    expect([stateAfterFailure(row, false), stateAfterFailure(row, true), stateAfterSkip(row)]).toEqual([
      state,
      state,
      state,
    ]);
  });

  test.each(ARCHIVED_ON)(
    'a complete %s message that is recognised is on the server, and not in deletion',
    (state) => {
      const row: RowFacts = { state, isComplete: true, isProved: true };
      expect(stateAfterRecognition(row)).toBe(state === 'archived' ? 'archived' : 'verified');
    },
  );

  test.each(['listed', 'archived', 'verified', 'skipped', 'quarantined'] as const)(
    'a stored message that was %s is judged by its receipts alone',
    (state) => {
      expect(stateAfterStore({ state, isComplete: true, isProved: true })).toBe('verified');
      expect(stateAfterStore({ state, isComplete: true, isProved: false })).toBe('archived');
      expect(stateAfterStore({ state, isComplete: false, isProved: true })).toBe('listed');
    },
  );

  test.each(['archived', 'verified'] as const)(
    'a message that was %s before a sink was added can fail',
    (state) => {
      const row: RowFacts = { state, isComplete: false, isProved: false };
      expect([stateAfterFailure(row, false), stateAfterFailure(row, true), stateAfterSkip(row)]).toEqual([
        'listed',
        'quarantined',
        'skipped',
      ]);
    },
  );

  test('a quarantined message is not skipped out of quarantine', () => {
    expect(stateAfterSkip({ state: 'quarantined', isComplete: false, isProved: false })).toBe('quarantined');
  });
});
