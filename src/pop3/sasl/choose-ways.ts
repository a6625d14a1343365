/**
 * What `auth: auto` tries, in which order, and when it goes on to the next: each mechanism at most once. Pure.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import type { CodeMeaning } from '../response-code.ts';
import type { Attempt } from './authenticate.ts';
import type { SaslLine } from './mechanism.ts';
import { isSasl, SASL_NAMES, type SaslName, type Way } from './names.ts';
import { strengthOf } from './strength.ts';

/**
 * Strongest first among those that are announced (RFC 5034 §3). Only where the job names them: CRAM-MD5 and APOP, which are weak;
 * XOAUTH2 and OAUTHBEARER, since a secret does not show whether it is a token. USER and PASS (RFC 1939 §7) come last.
 */
export function chooseWays({
  offered,
  channelBinding,
  hasClientCertificate,
}: SaslLine): readonly [Way, ...Way[]] {
  const ways: Way[] = SASL_NAMES.filter(
    (name) =>
      offered.includes(name) &&
      !['weak', 'token'].includes(strengthOf(name)) &&
      (channelBinding !== undefined || !isPlus(name)) &&
      (hasClientCertificate || name !== 'EXTERNAL'),
  );
  const [first, ...rest] = ways;
  return first === undefined ? ['USER-PASS'] : [first, ...rest, 'USER-PASS'];
}

/** For an access token, which must not be tried as a password. @throws MailferryError `login-not-possible` */
export function chooseTokenWays({ offered }: Pick<SaslLine, 'offered'>): readonly [Way, ...Way[]] {
  const [first, ...rest] = SASL_NAMES.filter(
    (name) => offered.includes(name) && strengthOf(name) === 'token',
  );
  if (first === undefined) {
    throw new MailferryError(
      'the server takes no access token: it announces neither OAUTHBEARER nor XOAUTH2',
      {
        code: 'login-not-possible',
        scope: 'account',
        retry: 'never',
        hint: 'see `mailferry probe` for what it announces; name `auth: xoauth2` if it takes what it does not announce',
      },
    );
  }
  return [first, ...rest];
}

export interface Refusal extends Pick<Attempt, 'isSecretSent'> {
  readonly way: Way;
  /** What the server's code or text means; undefined where it means nothing to us. */
  readonly meaning: Pick<CodeMeaning, 'code'> | undefined;
}

/**
 * Whether the next way may be tried after a refusal. Not where the secret was tested: the next would be a second wrong password.
 * Not where the server said why: that will not change. And on a line that others can read nothing weaker than what was
 * refused, since it may be they who refuse.
 */
export function mayTryNext({ way, isSecretSent, meaning }: Refusal, next: Way, isSecure: boolean): boolean {
  if (isSecretSent) {
    return false;
  }
  // A -PLUS is refused at its first line for the sake of the binding, and many servers have one answer for all.
  const isAboutBinding = isSasl(way) && isPlus(way) && meaning?.code === 'login-refused';
  return (meaning === undefined || isAboutBinding) && (isSecure || strengthOf(way) === strengthOf(next));
}

function isPlus(name: SaslName): boolean {
  return name.endsWith('-PLUS');
}
