/**
 * SASL EXTERNAL (RFC 4422 app. A): who we are was shown by the client certificate; said is only whose maildrop is meant, so that a
 * certificate for somebody else is refused and not archived under a wrong name.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import { ProtocolError } from '../errors.ts';
import type { SaslMechanism } from './mechanism.ts';

export const EXTERNAL: SaslMechanism = {
  name: 'EXTERNAL',
  // Nothing that it says is a secret.
  secretAt: 1,
  hasAuthorizationId: true,
  hint: 'see that the server takes the certificate of `tls.cert` or `tls.pfx`, and that it is for `user`',
  start({ user, authorizationId = user }, { hasClientCertificate }) {
    if (!hasClientCertificate) {
      throw new MailferryError('EXTERNAL needs TLS and a client certificate', {
        code: 'login-not-possible',
        scope: 'account',
        retry: 'never',
        hint: 'set `tls.cert` and `tls.key`, or `tls.pfx`, of the account',
      });
    }
    return {
      initialResponse: Buffer.from(authorizationId, 'utf8'),
      isComplete: () => true,
      respond: () => {
        throw new ProtocolError('the server sent a challenge after the whole of SASL EXTERNAL was said');
      },
    };
  },
};
