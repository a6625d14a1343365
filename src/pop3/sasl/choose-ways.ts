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
 * XOAUTH2 and OAUTHBEARER, since a secret does not show whether it is a token; GSSAPI, since a job that has a password must not
 * depend on tickets. USER and PASS (RFC 1939 §7) come last.
 */
export function chooseWays({ offered, channelBinding, hasClientCertificate }: SaslLine): readonly Way[] {
  const ways = SASL_NAMES.filter(
    (name) =>
      offered.includes(name) &&
      !['weak', 'token'].includes(strengthOf(name)) &&
      name !== 'GSSAPI' &&
      (channelBinding !== undefined || !isPlus(name)) &&
      (hasClientCertificate || name !== 'EXTERNAL'),
  );
  return [...ways, 'USER-PASS'];
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

export interface Refusal extends Pick<Attempt, 'isSecretSent' | 'explanation'> {
  readonly way: Way;
  /** What the server's code or text means; undefined where it means nothing to us. */
  readonly meaning: Pick<CodeMeaning, 'code'> | undefined;
}

/**
 * What may be tried after a refusal. Nothing where the secret was tested: another mechanism would be a second wrong password. Nothing
 * where the server said why: that will not change. And on a line that others can read nothing weaker than what was
 * refused, since it may be they who refuse.
 *
 * But a -PLUS that is refused without its own reason is followed by the bare mechanisms: Cyrus knows no binding to TLS 1.3, says so
 * only after the proof, and has one answer for everything.
 */
export function waysAfter(refusal: Refusal, others: readonly Way[], isSecure: boolean): readonly Way[] {
  const { way, isSecretSent, explanation, meaning } = refusal;
  if (isSasl(way) && isPlus(way)) {
    const isUnexplained = explanation === undefined && (meaning?.code ?? 'login-refused') === 'login-refused';
    return isUnexplained ? others.filter((other) => !isSasl(other) || !isPlus(other)) : [];
  }
  if (isSecretSent || meaning !== undefined) {
    return [];
  }
  return others.filter((other) => isSecure || strengthOf(other) === strengthOf(way));
}

function isPlus(name: SaslName): boolean {
  return name.endsWith('-PLUS');
}
