/**
 * The one table of server texts that mean something: what servers of the field say in place of a response code
 * (RFC 2449 §8). It is asked only where no response code came, and nothing else in this program looks at such text.
 * A row is a phrase as it was seen, long enough not to stand in another sentence; upper and lower case are the same.
 */
import { type CodeMeaning, meaningOf, type ResponseCode } from './response-code.ts';

/** `login`: the answer to a credential. `session`: the greeting, or a command about the maildrop. `message`: RETR, TOP, DELE. */
export type RefusalPlace = 'login' | 'session' | 'message';

export interface KnownText {
  /** In lower case; found anywhere in the text. */
  readonly phrase: string;
  /** The response code that says the same. */
  readonly means: ResponseCode;
  /** Servers or providers that were seen to say it. */
  readonly family: string;
  /** What to do, where it is more than the code tells. */
  readonly hint?: string;
}

const APP_PASSWORD = 'the provider wants an app password: make one in its web settings and put it in the job';
const ENABLE_POP = 'switch POP3 on for this mailbox in the web settings of the provider';
const BROWSER = 'log in with a web browser once; the provider wants to see its user';
const QUOTA = 'the provider limits what is transferred; the next run goes on';

/** The maildrop is locked, or its sessions are used up: says nothing about the password. */
const LOCKED: readonly KnownText[] = [
  { phrase: 'maildrop already locked', means: 'IN-USE', family: 'RFC 1939 examples and what follows them' },
  { phrase: 'maildrop lock busy', means: 'IN-USE', family: 'UCB popper, qpopper' },
  { phrase: 'is another session active', means: 'IN-USE', family: 'UCB popper, qpopper' },
  { phrase: 'unable to lock maildrop', means: 'IN-USE', family: 'Cyrus' },
  { phrase: 'mailbox is locked', means: 'IN-USE', family: 'Cyrus' },
  { phrase: 'mailbox already locked', means: 'IN-USE', family: 'hosting providers' },
  { phrase: 'mailbox is already locked', means: 'IN-USE', family: 'hMailServer' },
  { phrase: 'unable to lock mailbox', means: 'IN-USE', family: 'hosting providers' },
  { phrase: 'mailbox lock busy', means: 'IN-USE', family: 'hosting providers' },
  { phrase: 'mailbox in use', means: 'IN-USE', family: 'GNU mailutils' },
  { phrase: 'mailbox already in use', means: 'IN-USE', family: 'servers behind perdition' },
  { phrase: 'mailbox is in use', means: 'IN-USE', family: 'hosting providers' },
  { phrase: 'account is in use', means: 'IN-USE', family: 'hosting providers' },
];

/** The last login was too recent. */
const DELAYED: readonly KnownText[] = [
  { phrase: 'exceeded the login limit', means: 'LOGIN-DELAY', family: 'Hotmail, Outlook.com' },
  { phrase: 'login allowed only every', means: 'LOGIN-DELAY', family: 'Hotmail, in answer to STAT' },
  { phrase: 'login too soon', means: 'LOGIN-DELAY', family: 'hosting providers' },
  { phrase: 'minimum time between mail checks', means: 'LOGIN-DELAY', family: 'POP3 servers in Perl' },
  { phrase: 'logins must be at least', means: 'LOGIN-DELAY', family: 'Cyrus' },
];

/** Passes by itself. */
const TEMPORARY: readonly KnownText[] = [
  { phrase: 'try again later', means: 'SYS/TEMP', family: 'many' },
  { phrase: 'try later', means: 'SYS/TEMP', family: 'many' },
  { phrase: 'wait a few minutes', means: 'SYS/TEMP', family: 'InterMail' },
  { phrase: 'temporarily unavailable', means: 'SYS/TEMP', family: 'Yahoo, hosting providers' },
  { phrase: 'temporary authentication failure', means: 'SYS/TEMP', family: 'Dovecot' },
  { phrase: 'temporary problem', means: 'SYS/TEMP', family: 'Courier' },
  { phrase: 'too many connections', means: 'SYS/TEMP', family: 'Exchange, hosting providers' },
  { phrase: 'too many simultaneous connections', means: 'SYS/TEMP', family: 'Gmail, Exchange' },
  { phrase: 'maximum number of connections', means: 'SYS/TEMP', family: 'Dovecot, Courier' },
  { phrase: 'connection limit exceeded', means: 'SYS/TEMP', family: 'Exchange' },
  { phrase: 'download exceed', means: 'SYS/TEMP', family: 'NetEase', hint: QUOTA },
  { phrase: 'command or bandwidth limits', means: 'SYS/TEMP', family: 'Gmail', hint: QUOTA },
];

/** Somebody has to change a setting; repeating the login would change nothing. */
const FORBIDDEN: readonly KnownText[] = [
  { phrase: 'not enabled for pop', means: 'SYS/PERM', family: 'Gmail, Yahoo', hint: ENABLE_POP },
  { phrase: 'pop access disabled', means: 'SYS/PERM', family: 'hosting providers', hint: ENABLE_POP },
  { phrase: 'pop3 access disabled', means: 'SYS/PERM', family: 'hosting providers', hint: ENABLE_POP },
  { phrase: 'pop access is disabled', means: 'SYS/PERM', family: 'hosting providers', hint: ENABLE_POP },
  { phrase: 'pop3 is disabled', means: 'SYS/PERM', family: 'hosting providers', hint: ENABLE_POP },
  { phrase: 'pop3 access is not allowed', means: 'SYS/PERM', family: 'hosting providers', hint: ENABLE_POP },
  { phrase: 'login to your account via a web browser', means: 'SYS/PERM', family: 'Hotmail', hint: BROWSER },
  { phrase: 'web login required', means: 'SYS/PERM', family: 'Gmail', hint: BROWSER },
  { phrase: 'login failure or pop3 disabled', means: 'SYS/PERM', family: 'Yandex', hint: ENABLE_POP },
];

/** The credential is not the right one. Believed only in answer to one. */
const UNAUTHORIZED: readonly KnownText[] = [
  { phrase: 'application-specific password required', means: 'AUTH', family: 'Gmail', hint: APP_PASSWORD },
  { phrase: 'app password', means: 'AUTH', family: 'Yahoo, AOL, iCloud', hint: APP_PASSWORD },
  { phrase: 'application password', means: 'AUTH', family: 'mail.ru', hint: APP_PASSWORD },
  { phrase: 'authorized code', means: 'AUTH', family: 'QQ', hint: APP_PASSWORD },
  { phrase: 'basic authentication is disabled', means: 'AUTH', family: 'Exchange Online' },
  { phrase: 'username and password not accepted', means: 'AUTH', family: 'Gmail' },
  { phrase: 'invalid user name or password', means: 'AUTH', family: 'hMailServer' },
  { phrase: 'invalid username or password', means: 'AUTH', family: 'many' },
  { phrase: 'invalid login or password', means: 'AUTH', family: 'mail.ru' },
  { phrase: 'bad username or password', means: 'AUTH', family: 'many' },
  { phrase: 'unknown user name or bad password', means: 'AUTH', family: 'Exchange' },
  { phrase: 'authentication failed', means: 'AUTH', family: 'Dovecot, popa3d, GMX, web.de' },
  { phrase: 'password supplied for', means: 'AUTH', family: 'qpopper' },
  { phrase: 'invalid login', means: 'AUTH', family: 'Cyrus' },
  { phrase: 'invalid password', means: 'AUTH', family: 'many' },
  { phrase: 'wrong password', means: 'AUTH', family: 'many' },
  { phrase: 'login incorrect', means: 'AUTH', family: 'hosting providers' },
  { phrase: 'login failed', means: 'AUTH', family: 'Courier' },
  { phrase: 'bad login', means: 'AUTH', family: 'GNU mailutils' },
];

/** The code of a refusal by which a server says that a message is not there any more. */
export const MESSAGE_GONE = 'pop3-message-gone';

/** What no response code says; the next listing tells whether it is true. */
const GONE: CodeMeaning = {
  code: MESSAGE_GONE,
  retry: 'later',
  says: 'the message is gone, so another session has removed it',
  hint: undefined,
};

/** Another session has removed the message since it was listed. Believed only about a message. */
export const GONE_TEXTS: readonly Omit<KnownText, 'means'>[] = [
  { phrase: 'expunged', family: 'Dovecot' },
  { phrase: 'no such message', family: 'RFC 1939 examples and what follows them' },
  { phrase: 'already deleted', family: 'RFC 1939 examples, Apache James' },
  { phrase: 'does not exist', family: 'Apache James' },
  { phrase: 'no longer exists', family: 'hosting providers' },
  { phrase: 'message is deleted', family: 'Dovecot' },
];

/**
 * In the order they are tried. "Authentication failed, try again later" is taken for a wrong password: not to repeat what
 * was a passing fault costs a day, to repeat a wrong password may lock its user out.
 */
export const KNOWN_TEXTS: readonly KnownText[] = [
  ...LOCKED,
  ...DELAYED,
  ...FORBIDDEN,
  ...UNAUTHORIZED,
  ...TEMPORARY,
];

/** What may be believed where: "try again later" about a message is not about the maildrop. */
const BELIEVED: Readonly<Record<RefusalPlace, readonly ResponseCode[]>> = {
  login: ['IN-USE', 'LOGIN-DELAY', 'SYS/TEMP', 'SYS/PERM', 'AUTH'],
  session: ['IN-USE', 'LOGIN-DELAY', 'SYS/TEMP', 'SYS/PERM'],
  message: ['SYS/TEMP'],
};

/** What a refusal asks of us: by its response code where one came, else by a text that is known; undefined for neither. */
export function meaningOfRefusal(
  responseCode: ResponseCode | undefined,
  text: string,
  place: RefusalPlace,
): CodeMeaning | undefined {
  if (responseCode !== undefined) {
    return meaningOf(responseCode);
  }
  const said = text.toLowerCase();
  if (place === 'message' && GONE_TEXTS.some(({ phrase }) => said.includes(phrase))) {
    return GONE;
  }
  const row = KNOWN_TEXTS.find(
    ({ phrase, means }) => said.includes(phrase) && BELIEVED[place].includes(means),
  );
  const meaning = meaningOf(row?.means);
  return meaning === undefined || row?.hint === undefined ? meaning : { ...meaning, hint: row.hint };
}
