import { expect, it, vi } from 'vitest';
import { ConnectionError } from '../../src/pop3/errors.ts';
import { withinSession } from '../../src/pop3/within-session.ts';

const OPEN = { closed: new Promise<void>(() => undefined), failure: undefined };
const NEVER = new Promise<never>(() => undefined);
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (cause: unknown) => (cause instanceof Error && 'code' in cause ? cause.code : cause),
  );

it('work of our own gives what it gives, at once or later', async () => {
  expect(await withinSession(OPEN, 1, 1_000, 'it')).toBe(1);
  expect(await withinSession(OPEN, Promise.resolve(2), 1_000, 'it')).toBe(2);
  expect(await codeOf(withinSession(OPEN, Promise.reject(new Error('no')), 1_000, 'it'))).toEqual(
    new Error('no'),
  );
});

it('work that takes too long is left alone, and nothing is left of the wait', async () => {
  vi.useFakeTimers();
  try {
    const ended = codeOf(withinSession(OPEN, NEVER, 60_000, 'it'));
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await ended).toBe('login-too-late');
    await withinSession(OPEN, 1, 60_000, 'it');
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

it('a session that was broken off says why; one that the server closed is no refusal of a login', async () => {
  const closed = Promise.resolve();
  const aborted = new ConnectionError('interrupted', { failure: 'aborted' });
  expect(await codeOf(withinSession({ closed, failure: aborted }, NEVER, 1_000, 'it'))).toBe(
    'connection-aborted',
  );
  const cut = new ConnectionError('closed', { failure: 'closed' });
  expect(await codeOf(withinSession({ closed, failure: cut }, NEVER, 1_000, 'it'))).toBe('login-too-late');
});
