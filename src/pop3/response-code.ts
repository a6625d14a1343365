/**
 * Response codes: the one machine-readable part of a refusal (RFC 2449 §8, RFC 3206).
 */
import type { Retry } from '../errors/mailferry-error.ts';

/** In upper case, levels kept: `IN-USE`, `SYS/TEMP`, `AUTH`, `LOGIN-DELAY`, or one that we do not know. */
export type ResponseCode = string;

const CODE = /^\[([A-Za-z0-9_\-./]{1,64})\]/;

/** The response code at the start of a status text, or undefined. Only for servers with the RESP-CODES capability. */
export function parseResponseCode(text: string): ResponseCode | undefined {
  return CODE.exec(text)?.[1]?.toUpperCase();
}

export interface CodeMeaning {
  readonly code: string;
  readonly retry: Retry;
  readonly says: string;
  readonly hint: string | undefined;
}

/** What each code asks of us. Levels after `/` that we do not know are ignored, as RFC 2449 §8 asks. */
const MEANINGS: readonly (readonly [ResponseCode, CodeMeaning])[] = [
  [
    'IN-USE',
    {
      code: 'pop3-in-use',
      retry: 'later',
      says: 'the mailbox is in use by another session',
      hint: 'close the other client, or wait: some servers keep the lock for minutes after a dropped connection',
    },
  ],
  [
    'LOGIN-DELAY',
    {
      code: 'pop3-login-delay',
      retry: 'later',
      says: 'the server wants more time between logins',
      hint: undefined,
    },
  ],
  [
    'SYS/TEMP',
    { code: 'pop3-sys-temp', retry: 'later', says: 'the server has a passing fault', hint: undefined },
  ],
  [
    'SYS/PERM',
    {
      code: 'pop3-sys-perm',
      retry: 'never',
      says: 'the server has a lasting fault',
      hint: 'its operator has to mend it; show them the text',
    },
  ],
  [
    'AUTH',
    {
      code: 'login-refused',
      retry: 'never',
      says: 'the user name or the password is wrong',
      hint: 'check `user` and `password` of the account; the server may want an app password',
    },
  ],
];

/** What a response code asks of us, or undefined for one that we do not know. */
export function meaningOf(responseCode: ResponseCode | undefined): CodeMeaning | undefined {
  if (responseCode === undefined) {
    return undefined;
  }
  return MEANINGS.find(([code]) => responseCode === code || responseCode.startsWith(`${code}/`))?.[1];
}
