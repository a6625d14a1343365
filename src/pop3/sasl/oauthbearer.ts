/** SASL OAUTHBEARER (RFC 7628 §3.1): the token, and whom and what it is for. */
import { oauth } from './oauth.ts';

export const OAUTHBEARER = oauth({
  name: 'OAUTHBEARER',
  message: ({ user, password }, host, port) =>
    `n,a=${escapeName(user)},\u0001host=${host}\u0001port=${port}\u0001auth=Bearer ${password}\u0001\u0001`,
  acknowledgement: '\u0001',
});

/** RFC 5801 §4: comma and equals sign in a GS2 header. */
function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}
