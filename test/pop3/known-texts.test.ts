import { describe, expect, it } from 'vitest';
import { KNOWN_TEXTS, meaningOfRefusal } from '../../src/pop3/known-texts.ts';
import { meaningOf } from '../../src/pop3/response-code.ts';

const meaning = (text: string, place: 'login' | 'session' | 'message' = 'login') =>
  meaningOfRefusal(undefined, text, place)?.code;

describe('known texts', () => {
  it.each(KNOWN_TEXTS)('Q41, Q42, RFC-44: "$phrase" ($family) means [$means] in any case', (row) => {
    const expected = meaningOf(row.means);
    expect(expected).toBeDefined();
    for (const text of [row.phrase, row.phrase.toUpperCase(), `Sorry, ${row.phrase}: 42.`]) {
      expect(meaningOfRefusal(undefined, text, 'login')).toMatchObject({
        code: expected?.code,
        retry: expected?.retry,
        ...(row.hint === undefined ? {} : { hint: row.hint }),
      });
    }
  });

  it('has each phrase once, in lower case, and none that hides a later one of another meaning', () => {
    const phrases = KNOWN_TEXTS.map(({ phrase }) => phrase);
    expect(new Set(phrases).size).toBe(phrases.length);
    expect(phrases.filter((phrase) => phrase !== phrase.toLowerCase().trim() || phrase.length < 9)).toEqual(
      [],
    );
    const hidden = KNOWN_TEXTS.filter(({ phrase, means }, index) =>
      KNOWN_TEXTS.slice(0, index).some((row) => phrase.includes(row.phrase) && row.means !== means),
    );
    expect(hidden).toEqual([]);
  });

  it.each([
    ['Maildrop lock busy!  Is another session active?', 'pop3-in-use'],
    ['Unable to lock maildrop: Mailbox is locked by POP server', 'pop3-in-use'],
    ['Your mailbox is already locked', 'pop3-in-use'],
    [
      'Exceeded the login limit for a 15 minute period. Reduce the frequency of requests to the POP3 server.',
      'pop3-login-delay',
    ],
    ['mail storage services unavailable, wait a few minutes and try again', 'pop3-sys-temp'],
    ['Temporary authentication failure.', 'pop3-sys-temp'],
    ['Your account is not enabled for POP access.Please visit your Gmail settings page', 'pop3-sys-perm'],
    ['[AUTH] login failure or POP3 disabled, try later sc=abc', 'pop3-sys-perm'],
    ['Authentication failed, try again later', 'login-refused'],
    ['Application password is REQUIRED', 'login-refused'],
    ['go away', undefined],
    ['', undefined],
  ])('RFC-44: the whole sentence %j means %s', (text, code) => {
    expect(meaning(text)).toBe(code);
  });

  it('RFC-44: a response code that came is believed alone, also where it is not known', () => {
    expect(meaningOfRefusal('AUTH', 'mailbox is locked', 'login')?.code).toBe('login-refused');
    expect(meaningOfRefusal('X-OTHER', 'mailbox is locked', 'login')).toBeUndefined();
  });

  it('is asked only where the text can mean it: no password is wrong at a greeting, no lock is told about one message', () => {
    expect(meaning('invalid password', 'session')).toBeUndefined();
    expect(meaning('too many connections', 'session')).toBe('pop3-sys-temp');
    expect(meaning('mailbox is locked', 'message')).toBeUndefined();
    expect(meaning('Download exceed', 'message')).toBe('pop3-sys-temp');
  });
});
