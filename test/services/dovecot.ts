/**
 * A Dovecot 2.3 of the test's own, in a temporary folder, on loopback: POP3 with STLS on one port, POP3 over TLS on
 * another, one Maildir per user. Used by the integration tests and the bench. Must not use any code of the product.
 *
 * What Dovecot 2.3.19 makes of a stored file on the wire (seen by raw sockets, before dot-stuffing):
 * - a bare LF becomes CRLF, also in a file of mixed line ends: Dovecot cannot be made to send a bare LF;
 * - CRLF stays, a bare CR stays (also the CR in CR CR LF), NUL and octets above 127 stay, a `From ` line at the top stays;
 * - a missing final line end is added as CRLF, also to an empty message (which arrives as CRLF, 2 octets) and after a
 *   final CR (which arrives as CR CR LF). LIST and `+OK n octets` do not count that addition, nor dot-stuffing.
 * - a dot that opens the message is not stuffed (one that opens a later line is), so `.` alone in the first line ends it.
 * So the octets of the wire are what counts (see wire-octets.ts), not those of the file.
 */
import { execFile } from 'node:child_process';
import { chmodSync, chownSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeCertificates } from './certificates.ts';
import { dovecotConfigText } from './dovecot-config.ts';
import { findFreePorts } from './free-ports.ts';
import { untilGreeting } from './greeting.ts';
import { MaildirDelivery } from './maildir-delivery.ts';
import { ProcessGroup, statFields } from './process-group.ts';

const run = promisify(execFile);
const HOST = '127.0.0.1';
const DOVECOT = '/usr/sbin/dovecot';
/** Debian's nobody and nogroup: they own the mail when the tests run as root. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const PORT_ATTEMPTS = 5;
/** Dovecot's UNIX sockets live in the folder, and their paths may have 108 octets. */
const LONGEST_FOLDER = 60;

export interface DovecotUser {
  /** Letters, digits and `.-_@`. */
  readonly name: string;
  /** Without colon, CR and LF (it goes into a passwd-file). */
  readonly password: string;
}

export interface DovecotOptions {
  readonly users: readonly DovecotUser[];
  /** Mechanisms in Dovecot's words; `apop` adds the time stamp to the greeting. Default: plain, login. */
  readonly mechanisms?: readonly string[];
  /** More dovecot.conf lines, which win over the others. */
  readonly settings?: string;
}

/** Starts a server and gives it back once it greets. Throws with Dovecot's log when it does not. Must be stopped. */
export async function startDovecot(options: DovecotOptions): Promise<Dovecot> {
  for (const user of options.users) requireValidUser(user);
  const folder = await mkdtemp(join(temporaryRoot(), 'mailferry-dovecot-'));
  try {
    return await startInFolder(folder, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

export class Dovecot {
  readonly host = HOST;
  /** POP3, clear text or STLS. */
  readonly port: number;
  /** POP3 over TLS from the first octet. */
  readonly tlsPort: number;
  /** PEM file of the authority that signed the server's certificate (for localhost, 127.0.0.1, ::1). */
  readonly caPath: string;
  readonly #folder: string;
  readonly #master: ProcessGroup;
  readonly #mailOwner: { uid: number; gid: number };
  readonly #deliveries = new Map<string, MaildirDelivery>();

  /** Use startDovecot. */
  constructor(folder: string, ports: Ports, caPath: string, master: ProcessGroup) {
    this.port = ports.port;
    this.tlsPort = ports.tlsPort;
    this.caPath = caPath;
    this.#folder = folder;
    this.#master = master;
    this.#mailOwner = mailOwner();
  }

  /** Process id of Dovecot's master, which is also its process group. */
  get pid(): number {
    return this.#master.pid;
  }

  /**
   * Writes messages into a user's maildrop, octet for octet; they are listed in this order. 100,000 small ones take
   * about 5 s. Gives how many there were. The maildrop should not be open in a session meanwhile.
   */
  deliver(user: string, messages: Iterable<Uint8Array>): number {
    return this.#delivery(user).deliver(messages);
  }

  /** Runs doveadm against this server and gives what it printed, e.g. `doveadm('expunge', '-u', 'alice', 'all')`. */
  async doveadm(...args: string[]): Promise<string> {
    const { stdout } = await run('doveadm', ['-c', join(this.#folder, 'dovecot.conf'), ...args]);
    return stdout;
  }

  /** All that Dovecot has logged so far. */
  log(): Promise<string> {
    return readLog(this.#folder);
  }

  /**
   * CPU seconds (user and system) of all server processes that have ended so far. Each session has processes of its own,
   * which end shortly after it.
   */
  cpuSeconds(): number {
    // Fields 16 and 17: cutime and cstime, in ticks.
    const [userTicks, systemTicks] = statFields(this.pid).slice(13, 15);
    const ticksPerSecond = 100;
    return (Number(userTicks) + Number(systemTicks)) / ticksPerSecond;
  }

  /** Ends every process of the server and removes its folder. Can be called twice. */
  async stop(): Promise<void> {
    await this.#master.end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #delivery(user: string): MaildirDelivery {
    const known = this.#deliveries.get(user);
    if (known !== undefined) return known;
    const delivery = new MaildirDelivery(join(this.#folder, 'mail', user));
    if (isRoot()) {
      for (const folder of delivery.folders) chownSync(folder, this.#mailOwner.uid, this.#mailOwner.gid);
    }
    this.#deliveries.set(user, delivery);
    return delivery;
  }
}

interface Ports {
  readonly port: number;
  readonly tlsPort: number;
}

async function startInFolder(folder: string, options: DovecotOptions): Promise<Dovecot> {
  chmodSync(folder, 0o755);
  const owner = mailOwner();
  for (const name of ['run', 'mail', 'pki']) await mkdir(join(folder, name));
  if (isRoot()) chownSync(join(folder, 'mail'), owner.uid, owner.gid);
  const users = options.users.map((user) => `${user.name}:{PLAIN}${user.password}::::\n`);
  await writeFile(join(folder, 'users'), users.join(''));
  const certificates = await makeCertificates(join(folder, 'pki'));

  for (let attempt = 1; ; attempt++) {
    const ports = await choosePorts();
    const text = dovecotConfigText({
      folder,
      ...ports,
      certificates,
      mailOwner: owner,
      unprivileged: isRoot() ? undefined : await ownNames(),
      mechanisms: options.mechanisms ?? ['plain', 'login'],
      settings: options.settings ?? '',
    });
    await writeFile(join(folder, 'dovecot.conf'), text);
    const master = new ProcessGroup(DOVECOT, ['-F', '-c', join(folder, 'dovecot.conf')]);
    try {
      await untilGreeting(ports.port, master);
      return new Dovecot(folder, ports, certificates.caPath, master);
    } catch (error) {
      await master.end();
      const log = `${await readLog(folder)}${master.output}`;
      const isTaken = log.includes('Address already in use');
      if (!isTaken || attempt === PORT_ATTEMPTS)
        throw new Error(`Dovecot did not start:\n${log}`, { cause: error });
      await rm(join(folder, 'dovecot.log'), { force: true });
    }
  }
}

async function choosePorts(): Promise<Ports> {
  const [port, tlsPort] = await findFreePorts(2);
  if (port === undefined || tlsPort === undefined) throw new Error('two ports were asked for');
  return { port, tlsPort };
}

async function readLog(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, 'dovecot.log'), 'utf8');
  } catch {
    return '';
  }
}

function requireValidUser({ name, password }: DovecotUser): void {
  if (!/^[A-Za-z0-9._@-]+$/.test(name))
    throw new Error(`not a user name for Dovecot: ${JSON.stringify(name)}`);
  if (/[:\r\n]/.test(password)) throw new Error(`the password of ${name} may not hold colon, CR or LF`);
}

function temporaryRoot(): string {
  return tmpdir().length > LONGEST_FOLDER ? '/tmp' : tmpdir();
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function mailOwner(): { uid: number; gid: number } {
  return isRoot() ? NOBODY : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

async function ownNames(): Promise<{ user: string; group: string }> {
  const name = async (...args: string[]) => (await run('id', args)).stdout.trim();
  return { user: await name('-un'), group: await name('-gn') };
}
