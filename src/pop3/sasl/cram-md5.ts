/**
 * SASL CRAM-MD5 (RFC 2195): a keyed digest of the challenge. Weak (who reads it can guess the password offline, and the server
 * does not prove itself), so only where the job names it.
 */
import { createHmac } from 'node:crypto';
import { ProtocolError } from '../errors.ts';
import type { SaslMechanism } from './mechanism.ts';

export const CRAM_MD5: SaslMechanism = {
  name: 'CRAM-MD5',
  secretAt: 0,
  start({ user, password }) {
    let isSaid = false;
    return {
      initialResponse: undefined,
      isComplete: () => isSaid,
      respond: (challenge) => {
        if (isSaid || challenge.length === 0) {
          const what = isSaid ? 'a second challenge' : 'an empty challenge';
          throw new ProtocolError(`the server sent ${what} in SASL CRAM-MD5`);
        }
        isSaid = true;
        const digest = createHmac('md5', Buffer.from(password, 'utf8')).update(challenge).digest('hex');
        return Buffer.from(`${user} ${digest}`, 'utf8');
      },
    };
  },
};
