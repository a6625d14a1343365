/** SASL XOAUTH2, of Google and Microsoft, without an RFC: https://developers.google.com/gmail/imap/xoauth2-protocol */
import { oauth } from './oauth.ts';

export const XOAUTH2 = oauth({
  name: 'XOAUTH2',
  message: ({ user, password }) => `user=${user}\u0001auth=Bearer ${password}\u0001\u0001`,
  acknowledgement: '',
});
