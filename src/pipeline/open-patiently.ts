/**
 * Waiting for a maildrop that is locked or asks for a pause: some servers keep the lock for minutes after a dropped
 * connection. The wait has an end; then the account is left to the next run. A refusal of this kind says nothing about
 * the password, so nothing is risked by asking again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MailferryError } from '../errors/mailferry-error.ts';
import type { Pop3Client } from '../pop3/client.ts';
import type { AccountSource, JobContext } from './context.ts';

const WAITS_FOR: readonly string[] = ['pop3-in-use', 'pop3-login-delay'];
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** @throws what the last attempt threw, once the next pause would go beyond `patienceMs` or the run is to stop. */
export async function openPatiently(source: AccountSource, context: JobContext): Promise<Pop3Client> {
  const { dropSignal, stopSignal, patienceMs, emit, random } = context;
  // Pauses are added up, since a clock that is set back must not make the wait longer. Attempts have deadlines of their own.
  let waitedMs = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await source.open(dropSignal);
    } catch (cause) {
      // Half of the pause is chance, so that accounts that were refused together do not come back together.
      const waitMs = Math.round(pauseMs * (0.5 + random() / 2));
      const isWorthWaiting = cause instanceof MailferryError && WAITS_FOR.includes(cause.code);
      if (!isWorthWaiting || stopSignal.aborted || waitedMs + waitMs > patienceMs) {
        throw cause;
      }
      const text = `${cause.message}; trying again in ${waitMs} ms`;
      emit({ type: 'logged', level: 'info', account: source.id, text });
      waitedMs += waitMs;
      await sleep(waitMs, undefined, { signal: stopSignal }).catch(() => {
        throw cause;
      });
    }
  }
}
