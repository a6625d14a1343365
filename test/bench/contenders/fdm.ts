import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contender.ts';

export const fdm: Contender = {
  name: 'fdm',
  program: 'fdm',
  debianPackage: 'fdm',
  versionArgs: ['-V'],
  prepare(setting) {
    const target = join(setting.folder, 'target');
    const configPath = join(setting.folder, 'fdm.conf');
    const protocol = setting.security === 'tls' ? 'pop3s' : 'pop3';
    const verify = setting.security === 'tls' ? ' no-verify' : '';
    const lines = [
      'set no-received',
      'set maximum-size 64M',
      `set lock-file "${join(setting.folder, 'lock')}"`,
      'set default-user "root"',
      `action "store" ${setting.store} "${target}"`,
      `account "bench" ${protocol} server "${setting.host}" port ${setting.port} user "${setting.user}" ` +
        `pass "${setting.password}"${verify} keep`,
      'match all action "store"',
    ];
    writeFileSync(configPath, `${lines.join('\n')}\n`, { mode: 0o600 });
    return { args: ['-q', '-f', configPath, 'fetch'], target };
  },
};
