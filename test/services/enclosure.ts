/**
 * Runs a server that Debian lets nobody install beside the others: unpacked by install-enclosed.sh, laid over this system in mount
 * and process namespaces of its own, on loopback. Neither it nor its users are known to the machine, and it dies as one. Needs root.
 * Must not know which server it is.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Certificates, makeCertificates } from './certificates.ts';
import { findFreePorts } from './free-ports.ts';
import { untilGreeting, untilListening } from './greeting.ts';
import { ProcessGroup } from './process-group.ts';

const run = promisify(execFile);
const CACHE = '/var/cache/mailferry-test-servers';
const ENCLOSE = fileURLToPath(new URL('./enclose.sh', import.meta.url));
const HOST = '127.0.0.1';
const PORT_ATTEMPTS = 5;
/** Above all that Debian hands out by itself. */
const FIRST_UID = 24_001;
/** Debian's group mail, the group of all accounts within. */
export const MAIL_GID = 8;

export type EnclosedName = 'courier' | 'cyrus' | 'mailutils' | 'popa3d';

export interface MailUser {
  /** Lower-case letters and digits, as a user of a Unix system. */
  readonly name: string;
  /** Without CR and LF. */
  readonly password: string;
}

/** A user as the machine within knows them. */
export interface EnclosedUser extends MailUser {
  readonly uid: number;
}

export interface EnclosedFile {
  readonly text: string;
  /** Default: readable by all. */
  readonly mode?: number;
}

export interface Grounds {
  /** As many as were asked for, free just now. */
  readonly ports: readonly number[];
  readonly users: readonly EnclosedUser[];
  /** Certificate and key as PEM texts; `caPath` is outside. */
  readonly certificates: Certificates;
}

export interface EnclosureOptions {
  readonly name: EnclosedName;
  readonly users: readonly MailUser[];
  /** How many; the first is greeted on in clear text. */
  readonly ports: number;
  /** System accounts that the server wants to exist, with the group mail. */
  readonly systemUsers?: readonly string[];
  /** Files by their path within. `/start.sh` is run by bash as root and must stay in the foreground as the server. */
  files(grounds: Grounds): Promise<Record<string, EnclosedFile>> | Record<string, EnclosedFile>;
}

/** Why no enclosed server can run here; undefined where it can. */
export function whyNotEnclosed(name: EnclosedName): string | undefined {
  if (!existsSync(join(CACHE, name, 'root'))) return `${name} missing: sudo test/services/install.sh`;
  if (process.getuid?.() !== 0) return `${name} in a namespace: run the tests as root`;
  return undefined;
}

/** Debian's version of the server. */
export function enclosedVersion(name: EnclosedName): string {
  return readFileSync(join(CACHE, name, 'version'), 'utf8').trim();
}

/** Gives the server back once it greets. Throws with what it printed where it does not. Must be stopped. */
export async function startEnclosure(options: EnclosureOptions): Promise<Enclosure> {
  const reason = whyNotEnclosed(options.name);
  if (reason !== undefined) throw new Error(reason);
  const folder = await mkdtemp(join(tmpdir(), `mailferry-${options.name}-`));
  try {
    return await startInFolder(folder, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

export class Enclosure {
  readonly host = HOST;
  readonly ports: readonly number[];
  readonly users: readonly EnclosedUser[];
  /** PEM file of the authority that signed the server's certificate (for localhost, 127.0.0.1, ::1). */
  readonly caPath: string;
  /** The folder that is `/mail` within. */
  readonly mailPath: string;
  readonly #folder: string;
  readonly #processes: ProcessGroup;

  /** Use startEnclosure. */
  constructor(folder: string, grounds: Grounds, processes: ProcessGroup) {
    this.ports = grounds.ports;
    this.users = grounds.users;
    this.caPath = grounds.certificates.caPath;
    this.mailPath = join(folder, 'mail');
    this.#folder = folder;
    this.#processes = processes;
  }

  /** Process id of the outermost process, which is also its process group. */
  get pid(): number {
    return this.#processes.pid;
  }

  /** All that the server has printed so far. */
  get output(): string {
    return this.#processes.output;
  }

  user(name: string): EnclosedUser {
    const user = this.users.find((each) => each.name === name);
    if (user === undefined) throw new Error(`no user ${name}`);
    return user;
  }

  /** Runs a program within, as root, and gives what it printed. */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    const [first] = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'latin1').split(' ');
    const root = join(this.#folder, 'layers', 'root');
    const enter = ['--target', String(first), '--mount', '--pid', 'chroot', root, program, ...args];
    return (await run('nsenter', enter)).stdout;
  }

  /** Ends every process of the server and removes its folder. Can be called twice. */
  async stop(): Promise<void> {
    await this.#processes.end();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function startInFolder(folder: string, options: EnclosureOptions): Promise<Enclosure> {
  // Servers give up their rights, and must still reach the mail.
  await chmod(folder, 0o755);
  for (const name of ['files', 'layers', 'mail', 'pki']) await mkdir(join(folder, name));
  const users = options.users.map((user, index) => ({ ...user, uid: FIRST_UID + index }));
  const certificates = await makeCertificates(join(folder, 'pki'));
  for (let attempt = 1; ; attempt++) {
    const grounds = { users, certificates, ports: await findFreePorts(options.ports) };
    await writeFiles(join(folder, 'files'), {
      ...(await accountFiles(users, options.systemUsers ?? [])),
      ...(await options.files(grounds)),
    });
    const unshare = ['--mount', '--pid', '--fork', '--kill-child=KILL'];
    const command = [...unshare, ENCLOSE, folder, join(CACHE, options.name)];
    const processes = new ProcessGroup('/usr/bin/unshare', command);
    try {
      const [port = 0, ...others] = grounds.ports;
      await untilGreeting(port, processes);
      for (const other of others) await untilListening(other, processes);
      return new Enclosure(folder, grounds, processes);
    } catch (error) {
      await processes.end();
      const isTaken = /Address already in use|EADDRINUSE/i.test(processes.output);
      if (!isTaken || attempt === PORT_ATTEMPTS)
        throw new Error(`${options.name} did not start:\n${processes.output}`, { cause: error });
    }
  }
}

async function writeFiles(folder: string, files: Readonly<Record<string, EnclosedFile>>): Promise<void> {
  for (const [path, { text, mode = 0o644 }] of Object.entries(files)) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text);
    await chmod(place, mode);
  }
}

/** The accounts of this system and the further ones. */
async function accountFiles(
  users: readonly EnclosedUser[],
  systemUsers: readonly string[],
): Promise<Record<string, EnclosedFile>> {
  const system = systemUsers.map((name, index) => ({ name, uid: FIRST_UID - 1 - index }));
  const added = [...system, ...users];
  const passwd = added.map(({ name, uid }) => `${name}:x:${uid}:${MAIL_GID}::/home/${name}:/bin/sh\n`);
  const shadow = users.map(async ({ name, password }) => `${name}:${await hashed(password)}:20000::::::\n`);
  return {
    '/etc/passwd': { text: readFileSync('/etc/passwd', 'latin1') + passwd.join('') },
    '/etc/shadow': { text: (await Promise.all(shadow)).join(''), mode: 0o600 },
  };
}

/** As crypt(3) wants it. */
export async function hashed(password: string): Promise<string> {
  return (await run('openssl', ['passwd', '-6', password])).stdout.trim();
}

/** As one word, whatever is in it. */
export function quotedForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
