import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Setting } from '../contender.ts';
import { makeMaildir } from '../project.ts';

/** The yardstick: written in C, pipelines, syncs each message. */
export const mpop: Contender = {
  name: 'mpop',
  role: 'peer',
  program: 'mpop',
  debianPackage: 'mpop',
  prepare(setting) {
    const path = join(setting.folder, 'target');
    const configPath = join(setting.folder, 'mpoprc');
    const account = mpopAccount('bench', setting, path, join(setting.folder, 'uidls'));
    writeMpopConfig(configPath, account);
    return {
      args: ['--quiet', `--file=${configPath}`, 'bench'],
      stored: { path, form: setting.store },
    };
  },
};

/** mpop refuses a file with a password in it that others can read. */
export function writeMpopConfig(path: string, lines: readonly string[]): void {
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
}

/** The lines of one account; makes its Maildir, which mpop does not. */
export function mpopAccount(
  name: string,
  setting: Setting,
  target: string,
  uniqueIdFile: string,
): readonly string[] {
  if (setting.store === 'maildir' && !existsSync(target)) makeMaildir(target);
  const tls =
    setting.security === 'tls'
      ? ['tls on', 'tls_starttls off', `tls_trust_file ${setting.caPath}`]
      : ['tls off'];
  return [
    `account ${name}`,
    `host ${setting.host}`,
    `port ${setting.port}`,
    `user ${setting.user}`,
    `password ${setting.password}`,
    'auth user',
    ...tls,
    'pipelining on',
    'keep on',
    'received_header off',
    `uidls_file ${uniqueIdFile}`,
    `delivery ${setting.store} ${target}`,
  ];
}
