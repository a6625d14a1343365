/** All mechanisms that there are, by name. A new one is a file, a line here, and its name in names.ts. */
import { CRAM_MD5 } from './cram-md5.ts';
import { EXTERNAL } from './external.ts';
import { gssapi } from './gssapi.ts';
import { LOGIN } from './login.ts';
import type { SaslMechanism } from './mechanism.ts';
import type { SaslName } from './names.ts';
import { OAUTHBEARER } from './oauthbearer.ts';
import { PLAIN } from './plain.ts';
import { scram } from './scram.ts';
import { XOAUTH2 } from './xoauth2.ts';

export const MECHANISMS: Readonly<Record<SaslName, SaslMechanism>> = {
  EXTERNAL,
  GSSAPI: gssapi(),
  'SCRAM-SHA-512-PLUS': scram('SCRAM-SHA-512-PLUS'),
  'SCRAM-SHA-256-PLUS': scram('SCRAM-SHA-256-PLUS'),
  'SCRAM-SHA-1-PLUS': scram('SCRAM-SHA-1-PLUS'),
  'SCRAM-SHA-512': scram('SCRAM-SHA-512'),
  'SCRAM-SHA-256': scram('SCRAM-SHA-256'),
  'SCRAM-SHA-1': scram('SCRAM-SHA-1'),
  OAUTHBEARER,
  XOAUTH2,
  'CRAM-MD5': CRAM_MD5,
  PLAIN,
  LOGIN,
};
