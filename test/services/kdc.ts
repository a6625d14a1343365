/**
 * A Kerberos realm of the test's own: an MIT KDC on loopback, with its database, keytabs and tickets in a temporary folder. Must not
 * use any code of the product.
 */
import { chmodSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram } from '../support/programs.ts';
import { findFreePorts } from './free-ports.ts';
import { untilListening } from './greeting.ts';
import { RealmFiles } from './kdc-realm.ts';
import { ProcessGroup } from './process-group.ts';

const PORT_ATTEMPTS = 5;
const POLL_MS = 10;
const END_DEADLINE_MS = 10_000;
/** For a KDC of yesterday. Not the program `faketime`: it leaves its clock in shared memory where it is killed. */
const YESTERDAY = { LD_PRELOAD: '/usr/$LIB/faketime/libfaketime.so.1', FAKETIME: '-1d' };

/** What programs of Kerberos find realm and ticket by: variables of their environment. */
export type KerberosEnvironment = Readonly<Record<'KRB5_CONFIG' | 'KRB5CCNAME', string>>;

export interface KdcOptions {
  /** Names of people. */
  readonly users: readonly string[];
  /** Names of services, such as `pop/localhost`; all have their key in one keytab. */
  readonly services: readonly string[];
}

/** Starts a KDC and gives it back once it takes connections. Throws with its log where it does not. Must be stopped. */
export async function startKdc({ users, services }: KdcOptions): Promise<Kdc> {
  const folder = await mkdtemp(join(tmpdir(), 'mailferry-kdc-'));
  chmodSync(folder, 0o755);
  try {
    const files = new RealmFiles(folder);
    await files.makeDatabase(users, services);
    const { port, server } = await startServer(files, 'present');
    const [deadPort = port] = await findFreePorts(1);
    await files.writeConfigs('dead', deadPort);
    return new Kdc(files, server);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

export class Kdc {
  /** KRB5_CONFIG of whoever is in the realm. */
  readonly configPath: string;
  /** KRB5_CONFIG of whoever looks for the KDC where nobody listens. */
  readonly deadConfigPath: string;
  /** Keys of all services; may be read by all. */
  readonly keytabPath: string;
  readonly #files: RealmFiles;
  readonly #server: ProcessGroup;

  /** Use startKdc. */
  constructor(files: RealmFiles, server: ProcessGroup) {
    this.configPath = files.configPath('present');
    this.deadConfigPath = files.configPath('dead');
    this.keytabPath = files.servicesKeytab;
    this.#files = files;
    this.#server = server;
  }

  /** Where nobody has a ticket. */
  noTicket(): KerberosEnvironment {
    return { KRB5_CONFIG: this.configPath, KRB5CCNAME: this.#files.cache('nobody') };
  }

  /** No ticket, and the keys of all users to fetch one with; the first user's is taken. */
  usersKeys(): KerberosEnvironment & { readonly KRB5_CLIENT_KTNAME: string } {
    const KRB5CCNAME = this.#files.cache('by-keytab');
    return { KRB5_CONFIG: this.configPath, KRB5CCNAME, KRB5_CLIENT_KTNAME: this.#files.usersKeytab };
  }

  /** A ticket of a user, in a cache of its own: no ticket for a service is in it yet. */
  async ticketOf(user: string): Promise<KerberosEnvironment> {
    const KRB5CCNAME = this.#files.cache(user);
    await this.#files.kinit(user, { KRB5_CONFIG: this.configPath, KRB5CCNAME });
    return { KRB5_CONFIG: this.configPath, KRB5CCNAME };
  }

  /** A ticket that was good until yesterday. */
  async expiredTicketOf(user: string): Promise<KerberosEnvironment> {
    const KRB5CCNAME = this.#files.cache(`${user}-expired`);
    const { server } = await startServer(this.#files, 'past', YESTERDAY);
    try {
      const KRB5_CONFIG = this.#files.configPath('past');
      await this.#files.kinit(user, { KRB5_CONFIG, KRB5CCNAME, ...YESTERDAY });
    } finally {
      await endInOrder(server);
    }
    return { KRB5_CONFIG: this.configPath, KRB5CCNAME };
  }

  /** Ends the KDC and removes its folder. Can be called twice. */
  async stop(): Promise<void> {
    await this.#server.end();
    await rm(this.#files.folder, { recursive: true, force: true });
  }
}

/** @param name under which its configurations are written */
async function startServer(files: RealmFiles, name: string, env: Readonly<Record<string, string>> = {}) {
  for (let attempt = 1; ; attempt++) {
    const [port] = await findFreePorts(1);
    if (port === undefined) throw new Error('a port was asked for');
    const environment = { ...(await files.writeConfigs(name, port)), ...env };
    const server = new ProcessGroup(findProgram('krb5kdc') ?? 'krb5kdc', ['-n'], environment);
    try {
      await untilListening(port, server);
      return { port, server };
    } catch (error) {
      await server.end();
      const isTaken = server.output.includes('Address already in use');
      if (!isTaken || attempt === PORT_ATTEMPTS)
        throw new Error(`the KDC did not start:\n${server.output}`, { cause: error });
    }
  }
}

/** Asked rather than killed, so that libfaketime removes its shared memory. */
async function endInOrder(server: ProcessGroup): Promise<void> {
  process.kill(server.pid, 'SIGTERM');
  const deadline = Date.now() + END_DEADLINE_MS;
  while (server.isRunning && Date.now() < deadline) await delay(POLL_MS);
  await server.end();
}
