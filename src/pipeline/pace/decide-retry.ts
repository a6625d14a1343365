/**
 * What a failed opening asks of us: pure. The table of response codes says what they mean (pop3/response-code.ts); here is
 * what is done about it in this run.
 *
 * | failure | what follows |
 * | --- | --- |
 * | no connection, a cut, silence or -ERR before the login | the host backs off, with all its accounts |
 * | an unknown host name, [SYS/PERM] at the greeting | the host is given up for this run |
 * | [IN-USE], [SYS/TEMP] to the login | the account waits |
 * | [LOGIN-DELAY] | the account waits for its time |
 * | any other refusal of the login, a cut or silence at it | the login is not sent again in this run |
 * | what no other attempt could change (TLS, another protocol, a secret) | the account ends |
 */
import { type MailferryError, systemCodeOf } from '../../errors/mailferry-error.ts';
import { ConnectionError, ProtocolError, RefusedError } from '../../pop3/errors.ts';
import type { OpeningStep } from '../../pop3/open-client.ts';

export type Retry =
  | 'host-backs-off'
  | 'host-is-given-up'
  | 'account-waits'
  | 'login-is-delayed'
  | 'never-this-login'
  | 'none';

/** @param step how far the opening had come; undefined: not even a connection. */
export function decideRetry(cause: MailferryError, step: OpeningStep | undefined): Retry {
  if (cause instanceof ConnectionError && cause.failure === 'aborted') {
    return 'none';
  }
  return step === 'logging-in' ? retryLogin(cause) : retryHost(cause);
}

function retryHost(cause: MailferryError): Retry {
  const isUnknownName = cause instanceof ConnectionError && systemCodeOf(cause.cause) === 'ENOTFOUND';
  if (isUnknownName || (cause instanceof RefusedError && cause.retry === 'never')) {
    return 'host-is-given-up';
  }
  const isHosts = cause instanceof ConnectionError || cause instanceof RefusedError;
  return isHosts && cause.retry !== 'never' ? 'host-backs-off' : 'none';
}

function retryLogin(cause: MailferryError): Retry {
  switch (cause.code) {
    case 'pop3-in-use':
    case 'pop3-sys-temp':
      return 'account-waits';
    case 'pop3-login-delay':
      return 'login-is-delayed';
    default:
      return isAboutLogin(cause) ? 'never-this-login' : 'none';
  }
}

function isAboutLogin(cause: MailferryError): boolean {
  return [RefusedError, ConnectionError, ProtocolError].some((kind) => cause instanceof kind);
}
