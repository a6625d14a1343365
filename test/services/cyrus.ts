/**
 * A Cyrus POP3 server of the test's own: STLS on one port, TLS from the first octet on another; mail comes in by LMTP. Its
 * unique-ids are bare numbers, it adds a Return-Path to what it takes, and it takes no message with a NUL. Must not use any code
 * of the product.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EnclosedServer } from './enclosed-server.ts';
import {
  type EnclosedUser,
  type Grounds,
  type MailUser,
  quotedForShell,
  startEnclosure,
} from './enclosure.ts';
import { deliverByLmtp } from './lmtp-delivery.ts';

const FOLDERS = ['db', 'log', 'msg', 'proc', 'ptclient', 'quota', 'socket', 'sieve', 'user'];

const imapdText = (tlsVersions: string): string => `
configdirectory: /var/lib/cyrus
defaultpartition: default
partition-default: /var/spool/cyrus/mail
lmtpsocket: /mail/lmtp
idlesocket: /run/cyrus/idle
notifysocket: /run/cyrus/notify
proc_path: /run/cyrus/proc
mboxname_lockpath: /run/cyrus/lock
servername: localhost
admins: cyrus
allowplaintext: yes
popminpoll: 0
poptimeout: 10
uidl_format: uidonly
duplicatesuppression: no
munge8bit: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /etc/sasldb2
sasl_mech_list: PLAIN SCRAM-SHA-1 SCRAM-SHA-256 CRAM-MD5 DIGEST-MD5
unixhierarchysep: yes
autocreate_quota: 0
autocreate_users: anyone
autocreate_post: yes
tls_server_cert: /server.pem
tls_server_key: /server.key
tls_versions: ${tlsVersions}
skiplist_unsafe: 1
`;

const servicesText = (port: number, tlsPort: number): string => `
START { recover cmd="/usr/sbin/cyrus ctl_cyrusdb -r" }
SERVICES {
  pop3 cmd="pop3d" listen="127.0.0.1:${port}" prefork=1 maxchild=100 proto="tcp4"
  pop3s cmd="pop3d -s" listen="127.0.0.1:${tlsPort}" prefork=0 maxchild=100 proto="tcp4"
  lmtpunix cmd="lmtpd -a" listen="/mail/lmtp" prefork=1 maxchild=20
}
EVENTS { }
`;

function startText(users: readonly EnclosedUser[]): string {
  const passwords = users.map(
    ({ name, password }) =>
      `printf %s ${quotedForShell(password)} | saslpasswd2 -p -c -u localhost ${name}\n`,
  );
  return `
${passwords.join('')}
chown cyrus:mail /etc/sasldb2 /server.key /mail
mkdir -p /var/spool/cyrus/mail /run/cyrus/{proc,lock} ${FOLDERS.map((name) => `/var/lib/cyrus/${name}`).join(' ')}
chown -R cyrus:mail /var/lib/cyrus /var/spool/cyrus /run/cyrus
exec /usr/sbin/cyrmaster -D -M /etc/cyrus.conf -C /etc/imapd.conf
`;
}

/** Must be stopped. @param tlsVersions in Cyrus' words */
export async function startCyrus(
  users: readonly MailUser[],
  tlsVersions: 'tls1_2' | 'tls1_3' | 'tls1_2 tls1_3' = 'tls1_2 tls1_3',
): Promise<EnclosedServer> {
  const files = ({ ports: [port = 0, tlsPort = 0], certificates, users: known }: Grounds) => ({
    '/etc/imapd.conf': { text: imapdText(tlsVersions) },
    '/etc/cyrus.conf': { text: servicesText(port, tlsPort) },
    '/server.pem': { text: readFileSync(certificates.certificatePath, 'latin1') },
    '/server.key': { text: readFileSync(certificates.keyPath, 'latin1'), mode: 0o600 },
    '/start.sh': { text: startText(known) },
  });
  const enclosure = await startEnclosure({ name: 'cyrus', users, ports: 2, systemUsers: ['cyrus'], files });
  return new EnclosedServer('cyrus', enclosure, {
    deliver: (user, messages) => deliverByLmtp(join(enclosure.mailPath, 'lmtp'), user, messages),
    countLeft: async (user) => {
      const asCyrus = ['--reuid=cyrus', '--regid=mail', '--clear-groups', '/usr/lib/cyrus/bin/mbexamine'];
      const text = await enclosure.run('setpriv', ...asCyrus, `user/${user}`);
      return Number(/Number of Messages: (\d+)/.exec(text)?.[1]);
    },
  });
}
