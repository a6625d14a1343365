/** Deadlines that move while the timer behind them stays. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SilenceWatch } from '../../src/pop3/silence-watch.ts';

const LIST = { command: { shown: 'LIST' } };
const RETR = { command: { shown: 'RETR 1' } };

let silences: string[];
let watch: SilenceWatch;

beforeEach(() => {
  vi.useFakeTimers();
  silences = [];
  watch = new SilenceWatch({ idleMs: 1_000, firstOctetMs: 5_000 }, ({ message }) => silences.push(message));
});

afterEach(() => {
  vi.useRealTimers();
});

test('a deadline that moves later is kept at its new time, by one timer', () => {
  watch.expect('body', RETR);
  for (let count = 0; count < 5; count++) {
    vi.advanceTimersByTime(900);
    watch.expect('body', RETR);
    expect(vi.getTimerCount()).toBe(1);
  }
  vi.advanceTimersByTime(999);
  expect(silences).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(silences).toEqual(['the server was silent for 1000 ms, in the middle of the answer to RETR 1']);
});

test('a shorter one behind a longer one is not kept waiting for it', () => {
  watch.expect('status line', LIST);
  vi.advanceTimersByTime(100);
  watch.expect('body', LIST);
  vi.advanceTimersByTime(1_001);
  expect(silences).toHaveLength(1);
});

test('the first line of an answer has its time, however often it is asked for', () => {
  watch.expect('status line', LIST);
  for (let count = 0; count < 4; count++) {
    vi.advanceTimersByTime(1_200);
    watch.expect('status line', LIST);
  }
  vi.advanceTimersByTime(201);
  expect(silences).toEqual(['the server was silent for 5000 ms, waiting for the answer to LIST']);
});

test('where nothing is waited for nothing is silent, and what comes behind it has its own time', () => {
  watch.expect('body', RETR);
  vi.advanceTimersByTime(500);
  watch.expect('quiet', undefined);
  vi.advanceTimersByTime(60_000);
  expect(silences).toEqual([]);
  watch.expect('body', RETR);
  vi.advanceTimersByTime(1_001);
  expect(silences).toHaveLength(1);
});

test('a session that is over leaves no timer', () => {
  watch.expect('status line', LIST);
  watch.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(silences).toEqual([]);
});
