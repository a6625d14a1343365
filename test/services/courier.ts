/**
 * A Courier POP3 server of the test's own: STLS on one port, TLS from the first octet on another; a Maildir per user. Must not
 * use any code of the product.
 *
 * `LOGIN-DELAY 10` stands in Courier's program text and in no setting, and Courier does not enforce it. A client that keeps to
 * it would wait ten seconds between two runs, so by default the enclosure's copy of the program announces 00.
 */
import { chownSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EnclosedServer, type MailStore } from './enclosed-server.ts';
import {
  type Enclosure,
  type Grounds,
  hashed,
  MAIL_GID,
  type MailUser,
  quotedForShell,
  startEnclosure,
} from './enclosure.ts';
import { MaildirDelivery } from './maildir-delivery.ts';

const PROGRAMS = '/usr/lib/courier/courier';

/** Must be stopped. @param loginDelay as announced; `package` leaves the program as Debian made it. */
export async function startCourier(
  users: readonly MailUser[],
  loginDelay: 'none' | 'package' = 'none',
): Promise<EnclosedServer> {
  const enclosure = await startEnclosure({
    name: 'courier',
    users,
    ports: 2,
    systemUsers: ['courier'],
    files: async (grounds) => ({
      '/etc/courier/pop3d.pem': { text: certificateText(grounds) },
      '/etc/courier/userdb': { text: await userdbText(grounds), mode: 0o600 },
      '/start.sh': { text: startText(grounds, loginDelay === 'package') },
    }),
  });
  return new EnclosedServer('courier', enclosure, new MaildirStore(enclosure));
}

function startText({ ports: [port, tlsPort], users }: Grounds, announcesLoginDelay: boolean): string {
  const serve = '-address=127.0.0.1 -maxprocs=100 -maxperip=100 -nodnslookup -noidentlookup';
  const login = `${PROGRAMS}/courierpop3login ${PROGRAMS}/courierpop3d Maildir`;
  return `
${announcesLoginDelay ? '' : `sed -i 's/LOGIN-DELAY 10/LOGIN-DELAY 00/' ${PROGRAMS}/courierpop3login ${PROGRAMS}/courierpop3d`}
${users.map(keyedText).join('')}
makeuserdb
mkdir -p /run/courier/authdaemon
sed -i 's/^authmodulelist=.*/authmodulelist="authuserdb"/' /etc/courier/authdaemonrc
/usr/lib/courier/courier-authlib/authdaemond 2>&1 &
until [ -S /run/courier/authdaemon/socket ]; do sleep 0.01; done

set +u -a # the package's own defaults name variables that are not set
. /etc/courier/pop3d
. /etc/courier/pop3d-ssl
POP3AUTH="PLAIN LOGIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256"
POP3AUTH_TLS=$POP3AUTH
TLS_CACHEFILE=
set +a
POP3_TLS=1 couriertcpd ${serve} ${tlsPort} "$COURIERTLS" -server -tcpd ${login} &
exec couriertcpd ${serve} ${port} ${login}
`;
}

/** What CRAM-MD5 is checked by is made by a program of Courier's own. */
function keyedText({ name, password }: MailUser): string {
  const make = `printf '%s\\n' ${quotedForShell(password)} | userdbpw -hmac-md5`;
  return `sed -i "s/^${name}\t.*/&|hmac-md5pw=$(${make})/" /etc/courier/userdb\n`;
}

/** One file, which a server must be able to read that has given up its rights. */
function certificateText({ certificates }: Grounds): string {
  return readFileSync(certificates.keyPath, 'latin1') + readFileSync(certificates.certificatePath, 'latin1');
}

async function userdbText({ users }: Grounds): Promise<string> {
  const lines = users.map(async ({ name, password, uid }) => {
    const fields = { uid, gid: MAIL_GID, home: `/mail/${name}`, systempw: await hashed(password) };
    const text = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
    return `${name}\t${text.join('|')}\n`;
  });
  return (await Promise.all(lines)).join('');
}

class MaildirStore implements MailStore {
  readonly #enclosure: Enclosure;
  readonly #deliveries = new Map<string, MaildirDelivery>();

  /** A login to a Maildir that is not there fails: so they are made at once. */
  constructor(enclosure: Enclosure) {
    this.#enclosure = enclosure;
    for (const { name, uid } of enclosure.users) {
      const delivery = new MaildirDelivery(this.#maildir(name));
      for (const folder of [dirname(this.#maildir(name)), ...delivery.folders])
        chownSync(folder, uid, MAIL_GID);
      this.#deliveries.set(name, delivery);
    }
  }

  async deliver(user: string, messages: Iterable<Uint8Array>): Promise<number> {
    return this.#deliveries.get(user)?.deliver(messages) ?? 0;
  }

  async countLeft(user: string): Promise<number> {
    return ['new', 'cur'].flatMap((part) => readdirSync(join(this.#maildir(user), part))).length;
  }

  #maildir(user: string): string {
    return join(this.#enclosure.mailPath, user, 'Maildir');
  }
}
