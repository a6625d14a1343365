import { chownSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contender.ts';
import { makeMaildir } from '../project.ts';

/** The uid and gid of Debian's nobody and nogroup. */
const NOBODY = 65_534;

export const getmail: Contender = {
  name: 'getmail6',
  program: 'getmail',
  debianPackage: 'getmail6',
  versionArgs: ['--version'],
  prepare(setting) {
    const target = join(setting.folder, 'target');
    if (setting.store === 'maildir') makeMaildir(target);
    else writeFileSync(target, '');
    const owner = process.getuid?.() === 0 ? giveToNobody(target) : [];
    const tls = setting.security === 'tls' ? [`ca_certs = ${setting.caPath}`] : [];
    const lines = [
      '[retriever]',
      `type = ${setting.security === 'tls' ? 'SimplePOP3SSLRetriever' : 'SimplePOP3Retriever'}`,
      `server = ${setting.host}`,
      `port = ${setting.port}`,
      `username = ${setting.user}`,
      `password = ${setting.password}`,
      ...tls,
      '[destination]',
      `type = ${setting.store === 'maildir' ? 'Maildir' : 'Mboxrd'}`,
      `path = ${target}${setting.store === 'maildir' ? '/' : ''}`,
      ...owner,
      '[options]',
      'delete = false',
      'received = false',
      'delivered_to = false',
      'verbose = 0',
    ];
    writeFileSync(join(setting.folder, 'getmailrc'), `${lines.join('\n')}\n`, { mode: 0o600 });
    return { args: ['--quiet', `--getmaildir=${setting.folder}`, '--rcfile=getmailrc'], target };
  },
};

/** getmail refuses to deliver as root; gives the setting that names somebody else. */
function giveToNobody(target: string): string[] {
  const parts = statSync(target).isDirectory() ? readdirSync(target).map((name) => join(target, name)) : [];
  for (const path of [target, ...parts]) chownSync(path, NOBODY, NOBODY);
  return ['user = nobody'];
}
