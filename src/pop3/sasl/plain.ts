/** SASL PLAIN (RFC 4616): everything in one message, so only over TLS, or where the job says plaintext. */
import { ProtocolError } from '../errors.ts';
import type { SaslMechanism } from './mechanism.ts';

export const PLAIN: SaslMechanism = {
  name: 'PLAIN',
  secretAt: 0,
  hasAuthorizationId: true,
  start({ user, password, authorizationId = '' }) {
    const message = Buffer.from(`${authorizationId}\0${user}\0${password}`, 'utf8');
    return {
      initialResponse: message,
      isComplete: () => true,
      respond: () => {
        throw new ProtocolError('the server sent a challenge after the whole of SASL PLAIN was said');
      },
    };
  },
};
