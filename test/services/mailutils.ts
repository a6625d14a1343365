/**
 * GNU mailutils' pop3d of the test's own: STLS on one port, TLS from the first octet on another; an mbox spool per user. It
 * writes X-UIDL headers into the spool, so that sizes change within a session. Must not use any code of the product.
 */
import { readFileSync } from 'node:fs';
import { EnclosedServer } from './enclosed-server.ts';
import { type Grounds, type MailUser, quotedForShell, startEnclosure } from './enclosure.ts';
import { MboxStore } from './mbox-store.ts';

const configText = (port: number, tlsPort: number): string => `
mode daemon;
foreground yes;
max-children 100;
mailbox { mail-spool /mail; mailbox-type mbox; };
logging { syslog no; };
apop-database-file /etc/apop.db;
tls { ssl-certificate-file /server.pem; ssl-key-file /server.key; };
server 127.0.0.1:${port} { tls-mode ondemand; };
server 127.0.0.1:${tlsPort} { tls-mode connection; };
`;

function startText(users: readonly MailUser[]): string {
  const forApop = users.map(
    ({ name, password }) => `popauth --add --user=${name} --password=${quotedForShell(password)}\n`,
  );
  return `
ldconfig
chmod 1777 /mail
${forApop.join('')}
exec /usr/sbin/pop3d --no-config --config-file=/mailutils.conf
`;
}

/** Must be stopped. */
export async function startMailutils(users: readonly MailUser[]): Promise<EnclosedServer> {
  const files = ({ ports: [port = 0, tlsPort = 0], certificates, users: known }: Grounds) => ({
    '/mailutils.conf': { text: configText(port, tlsPort) },
    '/server.pem': { text: readFileSync(certificates.certificatePath, 'latin1') },
    '/server.key': { text: readFileSync(certificates.keyPath, 'latin1'), mode: 0o600 },
    '/etc/pam.d/pop3d': { text: 'auth required pam_unix.so nodelay\naccount required pam_unix.so\n' },
    '/start.sh': { text: startText(known) },
  });
  const enclosure = await startEnclosure({ name: 'mailutils', users, ports: 2, files });
  return new EnclosedServer('mailutils', enclosure, new MboxStore(enclosure));
}
