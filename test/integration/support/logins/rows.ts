/** The real servers that logins are tried against: another one is a row here, and a file where it has credentials of its own kind. */
import { startCourier } from '../../../services/courier.ts';
import { startCyrus } from '../../../services/cyrus.ts';
import { startDovecot } from '../../../services/dovecot.ts';
import type { MailUser } from '../../../services/enclosure.ts';
import { startMailutils } from '../../../services/mailutils.ts';
import { startPopa3d } from '../../../services/popa3d.ts';
import { requireKerberos } from '../../../support/kerberos.ts';
import { requireProgram } from '../../../support/programs.ts';
import { dovecotAsReal, enclosed } from '../real-servers.ts';
import { startCertificateServer } from './certificate-server.ts';
import { startOauthServer } from './oauth-server.ts';
import { startPasswordServer } from './password-server.ts';
import type { LoginRow } from './row.ts';
import { startTicketServer } from './ticket-server.ts';

const dovecot = requireProgram('dovecot', 'openssl');
const PASSWORDS = { trials: ['right', 'wrong'] } as const;

export const LOGIN_ROWS: readonly LoginRow[] = [
  {
    name: 'Dovecot',
    gate: dovecot,
    ways: ['scram-sha-256', 'scram-sha-1', 'plain', 'login', 'user-pass', 'cram-md5', 'apop'],
    auto: ['scram-sha-256'],
    ...PASSWORDS,
    security: 'tls',
    start: (users) => startPasswordServer(users, startDovecotWithAll),
  },
  {
    name: 'Dovecot, tokens read by itself',
    gate: dovecot,
    ways: ['oauthbearer', 'xoauth2'],
    auto: ['oauthbearer'],
    trials: ['right', 'wrong', 'expired'],
    security: 'tls',
    start: () => startOauthServer('local'),
  },
  {
    name: 'Dovecot, tokens by introspection',
    gate: dovecot,
    ways: ['oauthbearer', 'xoauth2'],
    auto: ['oauthbearer'],
    trials: ['right', 'wrong', 'expired', 'revoked'],
    security: 'tls',
    start: () => startOauthServer('introspection'),
  },
  {
    name: 'Dovecot, client certificates',
    gate: dovecot,
    ways: ['external'],
    auto: ['external'],
    ...PASSWORDS,
    security: 'tls',
    start: startCertificateServer,
  },
  {
    name: 'Dovecot, Kerberos',
    gate: requireKerberos(),
    ways: ['gssapi'],
    auto: ['plain'],
    ...PASSWORDS,
    security: 'tls',
    start: startTicketServer,
  },
  {
    name: 'Cyrus, TLS 1.2',
    gate: enclosed('cyrus'),
    ways: [
      ...['scram-sha-256-plus', 'scram-sha-1-plus', 'scram-sha-256', 'scram-sha-1'],
      ...['plain', 'user-pass', 'cram-md5', 'apop'],
    ],
    auto: ['scram-sha-256-plus'],
    // It says of a wrong password what it says of a binding that it does not know.
    autoWhenWrong: ['scram-sha-256-plus', 'scram-sha-256'],
    ...PASSWORDS,
    security: 'tls',
    start: (users) => startPasswordServer(users, (known) => startCyrus(known, 'tls1_2')),
  },
  {
    name: 'Cyrus, TLS 1.3',
    gate: enclosed('cyrus'),
    ways: ['scram-sha-256-plus', 'scram-sha-1-plus', 'scram-sha-256', 'scram-sha-1'],
    auto: ['scram-sha-256-plus', 'scram-sha-256'],
    refuses: ['scram-sha-256-plus', 'scram-sha-1-plus'],
    ...PASSWORDS,
    security: 'tls',
    start: (users) => startPasswordServer(users, (known) => startCyrus(known, 'tls1_3')),
  },
  {
    name: 'Courier',
    gate: enclosed('courier'),
    ways: ['plain', 'login', 'user-pass', 'cram-md5'],
    auto: ['plain'],
    ...PASSWORDS,
    security: 'tls',
    start: (users) => startPasswordServer(users, (known) => startCourier(known)),
  },
  {
    name: 'GNU mailutils',
    gate: enclosed('mailutils'),
    ways: ['user-pass', 'apop'],
    auto: ['user-pass'],
    ...PASSWORDS,
    security: 'tls',
    start: (users) => startPasswordServer(users, startMailutils),
  },
  {
    name: 'popa3d',
    gate: enclosed('popa3d'),
    ways: ['user-pass'],
    auto: ['user-pass'],
    ...PASSWORDS,
    security: 'plaintext',
    start: (users) => startPasswordServer(users, startPopa3d),
  },
];

async function startDovecotWithAll(users: readonly MailUser[]) {
  const mechanisms = ['plain', 'login', 'apop', 'cram-md5', 'scram-sha-1', 'scram-sha-256'];
  return dovecotAsReal(await startDovecot({ users, mechanisms }));
}
