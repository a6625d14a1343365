/** Dovecot that takes Kerberos tickets, with a KDC beside it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDovecot } from '../../../services/dovecot.ts';
import type { MailUser } from '../../../services/enclosure.ts';
import { startKdc } from '../../../services/kdc.ts';
import { installProgram } from '../../../support/installed-program.ts';
import { KERBEROS_PACKAGE } from '../../../support/kerberos.ts';
import { dovecotVersion } from '../real-servers.ts';
import { passwordAccount } from './password-server.ts';
import type { LoginServer } from './row.ts';

/** Whose ticket is good, and for nobody's maildrop here. */
const STRANGER = 'somebody';
const BY_TICKET = 'gssapi';

export async function startTicketServer(users: readonly MailUser[]): Promise<LoginServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mailferry-programs-'));
  const kdc = await startKdc({ users: [BY_TICKET, STRANGER], services: ['pop/localhost'] });
  const dovecot = await startDovecot({
    users,
    mechanisms: ['plain', 'gssapi'],
    settings: [
      'auth_gssapi_hostname = localhost',
      `auth_krb5_keytab = ${kdc.keytabPath}`,
      `import_environment = TZ KRB5_CONFIG=${kdc.configPath} KRB5RCACHENAME=none:`,
    ].join('\n'),
  });
  const { port, tlsPort, caPath } = dovecot;
  return {
    ...{ port, tlsPort, caPath, version: await dovecotVersion() },
    program: installProgram(join(folder, 'with'), { kerberos: KERBEROS_PACKAGE }),
    deliver: async (user, messages) => dovecot.deliver(user, messages),
    account: async (user, trial) => {
      // `auto` never takes a ticket.
      if (user !== BY_TICKET) return passwordAccount(user, trial);
      const env = await kdc.ticketOf(trial === 'right' ? user : STRANGER);
      return { keys: { tls: { serverName: 'localhost' } }, env, secrets: [] };
    },
    stop: async () => {
      await dovecot.stop();
      await kdc.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
