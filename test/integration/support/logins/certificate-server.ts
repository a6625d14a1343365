/** Dovecot that knows its users by their client certificates. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientCertificates, makeClientCertificate } from '../../../services/certificates.ts';
import { startDovecot } from '../../../services/dovecot.ts';
import type { MailUser } from '../../../services/enclosure.ts';
import { dovecotVersion } from '../real-servers.ts';
import type { LoginServer } from './row.ts';

const PASSPHRASE = 'oar & anchor 7';
/** Whose certificate is good, and for nobody here. */
const STRANGER = 'somebody';

export async function startCertificateServer(users: readonly MailUser[]): Promise<LoginServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mailferry-keys-'));
  const certificates = new Map<string, ClientCertificates>();
  for (const user of [...users.map(({ name }) => name), STRANGER]) {
    mkdirSync(join(folder, user));
    certificates.set(user, await makeClientCertificate(join(folder, user), user, PASSPHRASE));
  }
  const authorities = join(folder, 'authorities.pem');
  const texts = [...certificates.values()].map(({ caPath }) => readFileSync(caPath, 'latin1'));
  writeFileSync(authorities, texts.join(''));
  const dovecot = await startDovecot({
    users: [{ name: 'nobody', password: 'unused' }],
    mechanisms: ['plain', 'external'],
    settings: [
      `ssl_ca = <${authorities}`,
      'ssl_verify_client_cert = yes',
      'ssl_require_crl = no',
      'auth_ssl_username_from_cert = yes',
      'passdb {\n  driver = static\n  mechanisms = external\n  args = nopassword=y\n}\n',
    ].join('\n'),
  });
  const { port, tlsPort, caPath } = dovecot;
  return {
    ...{ port, tlsPort, caPath, version: await dovecotVersion() },
    deliver: async (user, messages) => dovecot.deliver(user, messages),
    account: async (user, trial) => {
      const shown = certificates.get(trial === 'right' ? user : STRANGER);
      const key = readFileSync(shown?.keyPath ?? '', 'latin1')
        .split('\n')
        .slice(1, -2);
      const tls = { pfx: shown?.pfxPath, passphrase: { env: 'KEY_PASSPHRASE' } };
      // Only `auto` asks for a password, and must not come to it.
      const password = user === 'auto' ? { password: { env: 'KEY_PASSPHRASE' } } : {};
      return {
        keys: { tls, ...password },
        env: { KEY_PASSPHRASE: PASSPHRASE },
        secrets: [PASSPHRASE, ...key],
      };
    },
    stop: async () => {
      await dovecot.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
