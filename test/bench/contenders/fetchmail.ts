import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contender.ts';

const NOTHING_NEW = 1;

/**
 * fetchmail stores nothing itself; its best case is one batch SMTP file, which is not durable and neither Maildir nor mbox. With a
 * delivery agent per message it is some twenty times slower.
 */
export const fetchmail: Contender = {
  name: 'fetchmail (bsmtp, no fsync)',
  role: 'peer',
  program: 'fetchmail',
  debianPackage: 'fetchmail',
  prepare(setting) {
    const path = join(setting.folder, 'target.bsmtp');
    const configPath = join(setting.folder, 'fetchmailrc');
    const ssl =
      setting.security === 'tls'
        ? `ssl sslcertck sslcertfile "${setting.caPath}" sslcommonname localhost`
        : `sslproto ""`;
    const all = setting.isOnlyNew ? '' : ' fetchall';
    const lines = [
      'set invisible',
      'set no bouncemail',
      `poll ${setting.host} service ${setting.port} protocol pop3 auth password uidl`,
      `  user "${setting.user}" password "${setting.password}" is reader here`,
      `  ${ssl} keep${all} no rewrite no mimedecode no forcecr batchlimit 0 bsmtp "${path}"`,
    ];
    writeFileSync(configPath, `${lines.join('\n')}\n`, { mode: 0o600 });
    const idFile = join(setting.folder, 'fetchids');
    const pidFile = join(setting.folder, 'pid');
    return {
      args: ['--silent', '--fetchmailrc', configPath, '--idfile', idFile, '--pidfile', pidFile],
      goodCodes: [0, NOTHING_NEW],
      stored: { path, form: 'bsmtp' },
    };
  },
};
