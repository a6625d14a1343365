import { chownSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contender.ts';
import { makeMaildir } from '../project.ts';

/** The uid and gid of Debian's nobody and nogroup. */
const NOBODY = 65_534;
/**
 * getmail delivers each message in a process of its own, and now and then misses its end (it waits for a notice that came before) until this
 * time is over; then it gives up. By default that would be three minutes.
 */
const TIMEOUT_SECONDS = 15;

export const getmail: Contender = {
  name: 'getmail6',
  role: 'peer',
  program: 'getmail',
  debianPackage: 'getmail6',
  prepare(setting) {
    const path = join(setting.folder, 'target');
    if (!existsSync(path)) {
      if (setting.store === 'maildir') makeMaildir(path);
      else writeFileSync(path, '');
    }
    const owner = process.getuid?.() === 0 ? giveToNobody(path) : [];
    const tls = setting.security === 'tls' ? [`ca_certs = ${setting.caPath}`] : [];
    const lines = [
      '[retriever]',
      `type = ${setting.security === 'tls' ? 'SimplePOP3SSLRetriever' : 'SimplePOP3Retriever'}`,
      `server = ${setting.host}`,
      `port = ${setting.port}`,
      `username = ${setting.user}`,
      `password = ${setting.password}`,
      `timeout = ${TIMEOUT_SECONDS}`,
      ...tls,
      '[destination]',
      `type = ${setting.store === 'maildir' ? 'Maildir' : 'Mboxrd'}`,
      `path = ${path}${setting.store === 'maildir' ? '/' : ''}`,
      ...owner,
      '[options]',
      'delete = false',
      'received = false',
      'delivered_to = false',
      `read_all = ${!setting.isOnlyNew}`,
      'verbose = 0',
    ];
    writeFileSync(join(setting.folder, 'getmailrc'), `${lines.join('\n')}\n`, { mode: 0o600 });
    return {
      args: ['--quiet', `--getmaildir=${setting.folder}`, '--rcfile=getmailrc'],
      stored: { path, form: setting.store, addedLine: 'Return-Path: <unknown>\n' },
    };
  },
  writeState(setting, uniqueIds) {
    const { folder, host, port, user } = setting;
    writeFileSync(join(folder, `oldmail-${host}-${port}-${user}`), oldmailText(uniqueIds, Date.now()));
  },
};

/** One line a message: its unique-id, NUL, and when it was fetched in seconds since 1970. */
export function oldmailText(uniqueIds: readonly string[], nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  return uniqueIds.map((uniqueId) => `${uniqueId}\0${seconds}\n`).join('');
}

/** getmail refuses to deliver as root; gives the setting that names somebody else. */
function giveToNobody(target: string): string[] {
  const parts = statSync(target).isDirectory() ? readdirSync(target).map((name) => join(target, name)) : [];
  for (const path of [target, ...parts]) chownSync(path, NOBODY, NOBODY);
  return ['user = nobody'];
}
