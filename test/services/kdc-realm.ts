/** The files of a Kerberos realm in one folder: configurations by name, the database, keytabs, tickets. Runs no server. */
import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../support/programs.ts';

const run = promisify(execFile);
const REALM = 'MAILFERRY.TEST';

/** What the KDC and the programs for administrators find their files by. */
type KdcEnvironment = Readonly<Record<'KRB5_CONFIG' | 'KRB5_KDC_PROFILE', string>>;

export class RealmFiles {
  readonly folder: string;
  readonly servicesKeytab: string;
  readonly usersKeytab: string;

  constructor(folder: string) {
    this.folder = folder;
    this.usersKeytab = join(folder, 'users.keytab');
    this.servicesKeytab = join(folder, 'services.keytab');
  }

  configPath(name: string): string {
    return join(this.folder, `${name}.conf`);
  }

  /** A credential cache as KRB5CCNAME has it. */
  cache(name: string): string {
    return `FILE:${join(this.folder, `${name}.ccache`)}`;
  }

  /** The realm with its KDC on this port, for clients and for the KDC. */
  async writeConfigs(name: string, port: number): Promise<KdcEnvironment> {
    const profile = join(this.folder, `${name}-kdc.conf`);
    await writeFile(this.configPath(name), configText(port));
    await writeFile(profile, kdcConfigText(this.folder, port));
    return { KRB5_CONFIG: this.configPath(name), KRB5_KDC_PROFILE: profile };
  }

  async makeDatabase(users: readonly string[], services: readonly string[]): Promise<void> {
    // No port is needed for it: a valid one that nobody is asked on.
    const env = await this.writeConfigs('database', 1);
    await this.#run('kdb5_util', ['create', '-s', '-W', '-r', REALM, '-P', 'master'], env);
    const keys = [
      ...users.map((user) => [user, this.usersKeytab] as const),
      ...services.map((service) => [service, this.servicesKeytab] as const),
    ];
    for (const [name, keytab] of keys) {
      await this.#run('kadmin.local', ['-q', `addprinc -randkey ${name}`], env);
      await this.#run('kadmin.local', ['-q', `ktadd -norandkey -k ${keytab} ${name}`], env);
    }
    // Servers read it as users of their own.
    chmodSync(this.servicesKeytab, 0o644);
  }

  /** Puts a ticket, good for an hour, into the cache that the environment names. */
  async kinit(user: string, env: Readonly<Record<string, string>>): Promise<void> {
    await this.#run('kinit', ['-k', '-t', this.usersKeytab, '-l', '1h', user], env);
  }

  async #run(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
    await run(findProgram(name) ?? name, args, { env: { ...process.env, ...env } });
  }
}

/** krb5.conf(5) for everybody in the realm: the KDC by its port, and nothing of DNS or of this machine's own realm. */
function configText(port: number): string {
  return `
[libdefaults]
 default_realm = ${REALM}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 # TCP alone, on which a port without a listener is known at once.
 udp_preference_limit = 1
[realms]
 ${REALM} = {
  kdc = 127.0.0.1:${port}
 }
`;
}

function kdcConfigText(folder: string, port: number): string {
  return `
[kdcdefaults]
 kdc_listen = 127.0.0.1:${port}
 kdc_tcp_listen = 127.0.0.1:${port}
[realms]
 ${REALM} = {
  database_name = ${join(folder, 'principal')}
  key_stash_file = ${join(folder, 'stash')}
 }
[logging]
 kdc = STDERR
`;
}
