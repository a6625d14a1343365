/** The text of a dovecot.conf (2.3) for tests: everything in one folder, loopback only, nothing throttled. */
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';

export interface DovecotConfig {
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly certificates: Certificates;
  /** Numeric owner of the mail store. */
  readonly mailOwner: { readonly uid: number; readonly gid: number };
  /** Who runs everything, where that is not root. */
  readonly unprivileged: { readonly user: string; readonly group: string } | undefined;
  readonly mechanisms: readonly string[];
  /** More dovecot.conf lines; they come last, so they win. */
  readonly settings: string;
}

export function dovecotConfigText(config: DovecotConfig): string {
  const { folder, certificates, mailOwner } = config;
  return `
base_dir = ${join(folder, 'run')}
state_dir = ${join(folder, 'run')}
log_path = ${join(folder, 'dovecot.log')}
instance_name = mailferry-test-${config.port}
protocols = pop3
listen = 127.0.0.1
shutdown_clients = yes

ssl = yes
ssl_cert = <${certificates.certificatePath}
ssl_key = <${certificates.keyPath}
ssl_min_protocol = TLSv1.2

disable_plaintext_auth = no
auth_mechanisms = ${config.mechanisms.join(' ')}
auth_verbose = yes
passdb {
  driver = passwd-file
  args = username_format=%u ${join(folder, 'users')}
}
userdb {
  driver = static
  args = uid=${mailOwner.uid} gid=${mailOwner.gid} home=${join(folder, 'mail', '%u')}
}

mail_location = maildir:%h
# The mail is thrown away; and RETR must not rename files at QUIT (the flag \\Seen), or the first run of a bench would
# be another one than the second.
mail_fsync = never
pop3_no_flag_updates = yes

# Nothing that slows or limits a test: sessions per address, delays after failed logins, processes. (Half a second per
# wrong password remains: Dovecot 2.3 tells failures on a timer of that length, whatever is set.)
mail_max_userip_connections = 0
auth_failure_delay = 0
default_process_limit = 1000
default_client_limit = 4000
default_vsz_limit = 2G
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    port = ${config.port}
  }
  inet_listener pop3s {
    port = ${config.tlsPort}
    ssl = yes
  }
}
${config.unprivileged === undefined ? '' : unprivilegedText(config.unprivileged)}
${config.settings}
`;
}

/** Without root nobody can change user or root folder: every service stays what it was started as. */
function unprivilegedText({ user, group }: { user: string; group: string }): string {
  const services = ['anvil', 'imap-urlauth-login', 'pop3-login', 'stats'];
  const free = services.map((service) => `service ${service} {\n  chroot =\n}`).join('\n');
  return `default_internal_user = ${user}\ndefault_internal_group = ${group}\ndefault_login_user = ${user}\n${free}\n`;
}
