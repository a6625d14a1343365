/** SASL LOGIN (draft-murchison-sasl-login): the server asks for the user name, then for the password, in any words. */
import { ProtocolError } from '../errors.ts';
import type { SaslMechanism } from './mechanism.ts';

export const LOGIN: SaslMechanism = {
  name: 'LOGIN',
  secretAt: 1,
  start({ user, password }) {
    const answers = [user, password];
    return {
      initialResponse: undefined,
      isComplete: () => answers.length === 0,
      respond: () => {
        const next = answers.shift();
        if (next === undefined) {
          throw new ProtocolError('the server asked for more than user name and password in SASL LOGIN');
        }
        return Buffer.from(next, 'utf8');
      },
    };
  },
};
