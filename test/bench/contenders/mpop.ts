import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contender.ts';
import { makeMaildir } from '../project.ts';

/** The yardstick: written in C, pipelines, syncs each message. */
export const mpop: Contender = {
  name: 'mpop',
  program: 'mpop',
  debianPackage: 'mpop',
  versionArgs: ['--version'],
  prepare(setting) {
    const target = join(setting.folder, 'target');
    if (setting.store === 'maildir') makeMaildir(target);
    const configPath = join(setting.folder, 'mpoprc');
    const tls =
      setting.security === 'tls'
        ? ['tls on', 'tls_starttls off', `tls_trust_file ${setting.caPath}`]
        : ['tls off'];
    const lines = [
      'defaults',
      'account bench',
      `host ${setting.host}`,
      `port ${setting.port}`,
      `user ${setting.user}`,
      `password ${setting.password}`,
      'auth user',
      ...tls,
      'pipelining on',
      'keep on',
      'received_header off',
      `uidls_file ${join(setting.folder, 'uidls')}`,
      `delivery ${setting.store} ${target}`,
    ];
    // mpop refuses a file with a password in it that others can read.
    writeFileSync(configPath, `${lines.join('\n')}\n`, { mode: 0o600 });
    return { args: ['--quiet', `--file=${configPath}`, 'bench'], target };
  },
};
