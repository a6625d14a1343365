/**
 * Work of our own in the middle of a dialogue, such as asking a third party: it has a deadline, and nobody waits for it once the
 * session is gone.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { Pop3Client } from './client.ts';
import { ConnectionError } from './errors.ts';

/**
 * What comes of the work. What takes longer is left alone, not stopped.
 * @throws what the work throws, why the session was broken off, or MailferryError `login-too-late`
 */
export async function withinSession<T>(
  session: Pick<Pop3Client, 'closed' | 'failure'>,
  work: T | Promise<T>,
  timeoutMs: number,
  what: string,
): Promise<T> {
  if (!(work instanceof Promise)) {
    return work;
  }
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(`within ${timeoutMs} ms`, what)), timeoutMs);
  });
  const isGone = session.closed.then((): never => {
    throw reasonOf(session.failure) ?? tooLate('before the server closed the connection', what);
  });
  try {
    return await Promise.race([work, tooLong, isGone]);
  } finally {
    clearTimeout(timer);
  }
}

/** A close in order would pass for the answer to a login (see open-client.ts), and the server has nothing to answer yet. */
function reasonOf(failure: Error | undefined): Error | undefined {
  return failure instanceof ConnectionError && failure.failure === 'closed' ? undefined : failure;
}

function tooLate(when: string, what: string): MailferryError {
  return new MailferryError(`${what} did not have its answer ready ${when}`, {
    code: 'login-too-late',
    scope: 'account',
    retry: 'later',
    hint: 'with GSSAPI, see that the KDC answers: `kvno pop/HOST` asks it for the same ticket',
  });
}
