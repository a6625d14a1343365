import { describe, expect, it } from 'vitest';
import type { WantedMessage } from '../../src/pipeline/classify-listing.ts';
import { decideNextSession, MAX_SESSIONS } from '../../src/pipeline/decide-next-session.ts';
import { ConnectionError, ProtocolError } from '../../src/pop3/errors.ts';

const at: WantedMessage = { kind: 'new', number: 8, uidl: 'eight', listedOctets: 80, rowId: undefined };
const closed = new ConnectionError('the server closed the connection', { failure: 'closed' });
const calm = { sessions: 1, isStopping: false };

describe('whether an account needs another session', () => {
  it('needs none where all that was wanted was fetched', () => {
    expect(decideNextSession({ kind: 'complete' }, calm)).toEqual({ kind: 'none' });
  });

  it.each([
    closed,
    new ConnectionError('the server was silent', { failure: 'silent' }),
    new ProtocolError('neither +OK nor -ERR'),
  ])('goes on without the message at which one broke: $message', (cause) => {
    const next = decideNextSession({ kind: 'broken', cause, at }, calm);
    expect(next).toEqual({ kind: 'again', without: { wanted: at, cause } });
  });

  it.each([
    new ConnectionError('connecting failed', { failure: 'unreachable' }),
    new ConnectionError('the session was interrupted', { failure: 'aborted' }),
    new Error('a defect'),
  ])('stops where no other session would do better: $message', (cause) => {
    expect(decideNextSession({ kind: 'broken', cause, at }, calm)).toEqual({ kind: 'stop', cause });
  });

  it('stops where the session broke at no message', () => {
    const end = { kind: 'broken', cause: closed, at: undefined } as const;
    expect(decideNextSession(end, calm)).toEqual({ kind: 'stop', cause: closed });
  });

  it('stops after so many sessions, and where the run is interrupted', () => {
    const end = { kind: 'broken', cause: closed, at } as const;
    const stop = { kind: 'stop', cause: closed };
    expect(decideNextSession(end, { ...calm, sessions: MAX_SESSIONS })).toEqual(stop);
    expect(decideNextSession(end, { ...calm, isStopping: true })).toEqual(stop);
  });
});
