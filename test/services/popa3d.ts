/**
 * popa3d of the test's own: no CAPA, no TLS; an mbox spool per user. It is a program for inetd, whose part socat plays. Must
 * not use any code of the product.
 */
import { EnclosedServer } from './enclosed-server.ts';
import { type MailUser, startEnclosure } from './enclosure.ts';
import { MboxStore } from './mbox-store.ts';

const startText = (port: number): string => `
mkdir -p /var/lib/popa3d
mount --bind /mail /var/mail
chmod 1777 /mail
exec socat TCP4-LISTEN:${port},bind=127.0.0.1,reuseaddr,nodelay,fork EXEC:/usr/sbin/popa3d
`;

/** Must be stopped. */
export async function startPopa3d(users: readonly MailUser[]): Promise<EnclosedServer> {
  const enclosure = await startEnclosure({
    name: 'popa3d',
    users,
    ports: 1,
    systemUsers: ['popa3d'],
    files: ({ ports: [port = 0] }) => ({ '/start.sh': { text: startText(port) } }),
  });
  return new EnclosedServer('popa3d', enclosure, new MboxStore(enclosure));
}
