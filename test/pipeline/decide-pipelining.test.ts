import { describe, expect, it } from 'vitest';
import { decidePipelining, judgePipelining, TROUBLE_LASTS_MS } from '../../src/pipeline/decide-pipelining.ts';
import { ConnectionError, ProtocolError } from '../../src/pop3/errors.ts';

const cause = new ConnectionError('the server closed the connection', { failure: 'closed' });
const broken = { cause, answersAhead: 0, lostAhead: 4 };
const trusted = decidePipelining(undefined, 0);
const blamed = judgePipelining(trusted, broken);

describe('pipelining with a host', () => {
  it('Q49: is avoided for 30 days, and tried again then; a clock that was set back changes nothing for ever', () => {
    const at = 1_800_000_000_000;
    expect(decidePipelining(at, at + TROUBLE_LASTS_MS - 1).kind).toBe('avoided');
    expect(decidePipelining(at, at + TROUBLE_LASTS_MS).kind).toBe('trusted');
    expect(decidePipelining(at, at - TROUBLE_LASTS_MS).kind).toBe('trusted');
  });

  it('Q49, Q50: is blamed where a session broke with several commands in flight before it had worked', () => {
    expect(blamed).toMatchObject({ kind: 'blamed', reason: cause.message });
    expect(judgePipelining(trusted, { ...broken, lostAhead: 0 })).toEqual(trusted);
  });

  it('Q49: is blamed for mixed-up answers however many were in flight, and however long it had worked', () => {
    const interleaved = new ProtocolError('mixed up', { code: 'pop3-interleaved' });
    const facts = { cause: interleaved, answersAhead: 500, lostAhead: 0 };
    expect(judgePipelining(trusted, facts).kind).toBe('blamed');
  });

  it('Q49: is not blamed for one lost line after it had worked, and for the second it is', () => {
    const late = { ...broken, answersAhead: 500 };
    const once = judgePipelining(trusted, late);
    expect(once).toMatchObject({ kind: 'trusted', lateLosses: 1 });
    expect(judgePipelining(once, late).kind).toBe('blamed');
  });

  it('Q49: is trusted again where a session without it breaks as well, and nothing is remembered then', () => {
    const cleared = judgePipelining(blamed, { ...broken, lostAhead: 0 });
    expect(cleared).toMatchObject({ kind: 'trusted', isDoubted: true });
    expect(judgePipelining(cleared, broken)).toMatchObject({ kind: 'blamed', isDoubted: true });
  });

  it('Q49: stays avoided where the host is known', () => {
    const avoided = decidePipelining(1, 2);
    expect(judgePipelining(avoided, broken)).toEqual(avoided);
  });
});
