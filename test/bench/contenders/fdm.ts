import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Setting } from '../contender.ts';

export const fdm: Contender = {
  name: 'fdm',
  role: 'peer',
  program: 'fdm',
  debianPackage: 'fdm',
  prepare(setting) {
    const path = join(setting.folder, 'target');
    const configPath = join(setting.folder, 'fdm.conf');
    const protocol = setting.security === 'tls' ? 'pop3s' : 'pop3';
    const verify = setting.security === 'tls' ? ' no-verify' : '';
    const only = setting.isOnlyNew ? ` new-only cache "${cachePath(setting)}"` : '';
    const lines = [
      'set no-received',
      'set maximum-size 64M',
      `set lock-file "${join(setting.folder, 'lock')}"`,
      'set default-user "root"',
      `action "store" ${setting.store} "${path}"`,
      `account "bench" ${protocol} server "${setting.host}" port ${setting.port} user "${setting.user}" ` +
        `pass "${setting.password}"${only}${verify} keep`,
      'match all action "store"',
    ];
    writeFileSync(configPath, `${lines.join('\n')}\n`, { mode: 0o600 });
    return { args: ['-q', '-f', configPath, 'fetch'], stored: { path, form: setting.store } };
  },
  writeState(setting, uniqueIds) {
    const path = cachePath(setting);
    writeFileSync(path, cacheText(uniqueIds));
    chmodSync(path, 0o666);
  },
};

/** One line a message: the length of its unique-id, and the unique-id. */
export function cacheText(uniqueIds: readonly string[]): string {
  return uniqueIds.map((uniqueId) => `${Buffer.byteLength(uniqueId)} ${uniqueId}\n`).join('');
}

/** In a folder where everybody may write: started by root, fdm fetches as a user of its own. */
function cachePath({ folder }: Setting): string {
  const cacheFolder = join(folder, 'cache');
  mkdirSync(cacheFolder, { recursive: true });
  chmodSync(cacheFolder, 0o777);
  return join(cacheFolder, 'uidls');
}
