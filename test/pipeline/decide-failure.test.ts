import { describe, expect, it } from 'vitest';
import { decideFailure, type FailureFacts } from '../../src/pipeline/decide-failure.ts';
import { MESSAGE_GONE } from '../../src/pop3/known-texts.ts';

const forGood = { code: 'pop3-refused', scope: 'message', retry: 'never' } as const;
const forNow = { code: 'pop3-sys-temp', scope: 'message', retry: 'later' } as const;
const gone = { code: MESSAGE_GONE, scope: 'message', retry: 'later' } as const;
const broken = { code: 'connection-silent', scope: 'account', retry: 'later' } as const;
const first: FailureFacts = {
  kind: 'refused',
  cause: forGood,
  isServerWell: true,
  isIdentified: true,
  hasFailedInRun: false,
  before: undefined,
  maxAttempts: 3,
};
const failedBefore = (
  attempts: number,
  lastErrorCode = 'pop3-refused',
  isQuarantined = false,
): FailureFacts['before'] => ({
  firstSeenAt: 7,
  attempts,
  lastErrorCode,
  isQuarantined,
});

describe('whose fault a failure is', () => {
  it.each<[string, Partial<FailureFacts>, boolean]>([
    ['Q30: refused for good', {}, true],
    ['Q30: refused for now, by its response code', { cause: forNow }, false],
    ['Q30: gone, for the first time', { cause: gone }, false],
    ['Q30: gone, after it failed otherwise', { cause: gone, before: failedBefore(1) }, false],
    ['Q30: gone, listed again, and gone again', { cause: gone, before: failedBefore(0, MESSAGE_GONE) }, true],
    ['Q25: the session broke, and the server lists again', { kind: 'broken', cause: broken }, true],
    [
      'Q25: the session broke, and nobody knows',
      { kind: 'broken', cause: broken, isServerWell: false },
      false,
    ],
    ['a sink refused this message', { kind: 'unstored', cause: { ...forGood, code: 's3-too-large' } }, true],
    ['a sink is full', { kind: 'unstored', cause: { ...forGood, scope: 'sink' } }, false],
    ['the account cannot be stored', { kind: 'unstored', cause: { ...forGood, scope: 'account' } }, false],
    ['the run cannot go on', { kind: 'unstored', cause: { ...forGood, scope: 'run' } }, false],
    ['its spool file could not be read', { kind: 'unstored', cause: forNow }, false],
    ['it failed in this run already', { hasFailedInRun: true }, false],
  ])('%s: its own is %s', (_, facts, isAttempt) => {
    expect(decideFailure({ ...first, ...facts })).toMatchObject({ isAttempt });
  });
});

describe('whether a message is set aside', () => {
  it.each<[string, Partial<FailureFacts>, number, boolean]>([
    ['not at the first attempt', {}, 1, false],
    ['not at the second of three', { before: failedBefore(1) }, 2, false],
    ['at the third of three', { before: failedBefore(2) }, 3, true],
    ['at the first, where one is allowed', { maxAttempts: 1 }, 1, true],
    ['at the next, where fewer are allowed since', { before: failedBefore(7), maxAttempts: 2 }, 8, true],
    ['not by a failure that is not its own', { before: failedBefore(5), cause: forNow }, 5, false],
    ['never without a unique-id of its own', { before: failedBefore(2), isIdentified: false }, 3, false],
    [
      'again, where a retry fails for whatever reason',
      { before: failedBefore(3, 'x', true), cause: forNow },
      3,
      true,
    ],
    [
      'again, where more attempts are allowed since',
      { before: failedBefore(3, 'x', true), maxAttempts: 9 },
      4,
      true,
    ],
  ])('%s', (_, facts, attempts, isQuarantined) => {
    expect(decideFailure({ ...first, ...facts })).toMatchObject({ attempts, isQuarantined });
  });
});
