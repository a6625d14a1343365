/**
 * The POP3 servers of the field that the suite in servers.test.ts runs against. What is different about them is data here, so that
 * the suite has no case for any of them. Versions come from the packages.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { startCourier } from '../../services/courier.ts';
import { startCyrus } from '../../services/cyrus.ts';
import { type Dovecot, startDovecot } from '../../services/dovecot.ts';
import type { EnclosedServer } from '../../services/enclosed-server.ts';
import { type EnclosedName, type MailUser, whyNotEnclosed } from '../../services/enclosure.ts';
import { startMailutils } from '../../services/mailutils.ts';
import { startPopa3d } from '../../services/popa3d.ts';
import { gateOf, type ProgramGate, requireProgram } from '../../support/programs.ts';

const run = promisify(execFile);

/** What the suite needs of a server. */
export type RealServer = Pick<
  EnclosedServer,
  'host' | 'port' | 'tlsPort' | 'caPath' | 'version' | 'deliver' | 'countLeft' | 'log' | 'stop'
>;

export type SecuredLine = 'starttls' | 'tls';

export interface ServerRow {
  readonly name: string;
  readonly gate: Pick<ProgramGate, 'reason' | 'describe'>;
  start(users: readonly MailUser[]): Promise<RealServer>;
  /** Secured lines that it offers. */
  readonly lines: readonly SecuredLine[];
  readonly hasCapa: boolean;
  readonly hasPipelining: boolean;
  /** What its unique-ids look like. */
  readonly uidl: RegExp;
  /** Which messages of the corpus are tried; all where it is not said. */
  takes?(octets: Buffer): boolean;
  /** How many of these it shows once they were delivered. */
  readonly corpusCount: number;
  /** It adds a Received of its own, so that nothing is old. */
  readonly isDatedOnArrival?: boolean;
  /** Header fields that it writes into its mail between two downloads. */
  readonly ownFields?: readonly string[];
  /** What it is remarkable for, in Markdown. */
  readonly remarks: string;
}

export const REAL_SERVERS: readonly ServerRow[] = [
  {
    name: 'Dovecot',
    gate: requireProgram('dovecot', 'openssl', 'python3'),
    start: startDovecotAsReal,
    lines: ['starttls', 'tls'],
    hasCapa: true,
    hasPipelining: true,
    uidl: /^[0-9a-f]{16}$/,
    corpusCount: 573,
    remarks: 'does not stuff a dot that opens a message; delays each wrong password',
  },
  {
    name: 'Courier',
    gate: enclosed('courier'),
    start: (users) => startCourier(users),
    lines: ['starttls', 'tls'],
    hasCapa: true,
    hasPipelining: true,
    uidl: /^UID\d+-\d+$/,
    corpusCount: 573,
    remarks:
      'announces `LOGIN-DELAY 10` (here 00) and does not enforce it; hands out a notice in place of mail with UTF-8 in its header unless asked for UTF8; answers LIST with `+OK POP3 clients that break here, they violate STD53.`; a wrong password takes 5 s',
  },
  {
    name: 'Cyrus',
    gate: enclosed('cyrus'),
    start: (users) => startCyrus(users),
    lines: ['starttls', 'tls'],
    hasCapa: true,
    hasPipelining: true,
    uidl: /^\d+$/,
    corpusCount: 517,
    isDatedOnArrival: true,
    remarks:
      'unique-ids are bare numbers; adds Return-Path and Received; takes no message with a NUL or a broken header; announces SCRAM-SHA-256-PLUS on TLS 1.3 and refuses it',
  },
  {
    name: 'GNU mailutils',
    gate: enclosed('mailutils'),
    start: startMailutils,
    lines: ['starttls', 'tls'],
    hasCapa: true,
    hasPipelining: true,
    uidl: /^[0-9a-f]{32}\.\d+\.\d+$/,
    takes: (octets) => isPlainMail(octets.toString('latin1')),
    corpusCount: 504,
    ownFields: ['Status', 'X-IMAPbase', 'X-UID', 'X-UIDL'],
    remarks:
      'writes fields of its own into messages while it serves them (`X-UIDL`, `Status`), so that sizes change within a session and from one to the next; believes an `X-UIDL` that came with the mail; locks the maildrop',
  },
  {
    name: 'popa3d',
    gate: enclosed('popa3d'),
    start: startPopa3d,
    lines: [],
    hasCapa: false,
    hasPipelining: false,
    uidl: /^[0-9a-f]{16}$/,
    corpusCount: 573,
    remarks:
      'no CAPA; every refusal is a bare `-ERR`; unique-ids are digests of some header lines, so that messages without those share one; a wrong password takes 2.5 s',
  },
];

/** With a body, and without fields that mail stores keep for themselves: these it takes for its own. */
function isPlainMail(text: string): boolean {
  return /\n\r?\n\s*\S/.test(text) && !/^(?:X-)?(?:Status|UIDL?|IMAP(?:base)?|Keywords):/im.test(text);
}

export function enclosed(name: EnclosedName): ServerRow['gate'] {
  const programs = requireProgram('openssl', 'python3', 'socat', 'unshare');
  return gateOf(whyNotEnclosed(name) ?? programs.reason);
}

/** Debian's. */
export async function dovecotVersion(): Promise<string> {
  const { stdout } = await run('dpkg-query', ['--show', 'dovecot-pop3d']);
  return stdout.trim().split('\t')[1] ?? '';
}

async function startDovecotAsReal(users: readonly MailUser[]): Promise<RealServer> {
  return dovecotAsReal(await startDovecot({ users }));
}

export async function dovecotAsReal(server: Dovecot): Promise<RealServer> {
  const { host, port, tlsPort, caPath } = server;
  return {
    ...{ host, port, tlsPort, caPath, version: await dovecotVersion() },
    deliver: async (user, messages) => server.deliver(user, messages),
    countLeft: async (user) => {
      const status = await server.doveadm('mailbox', 'status', '-u', user, 'messages', 'INBOX');
      return Number(/messages=(\d+)/.exec(status)?.[1]);
    },
    log: () => server.log(),
    stop: () => server.stop(),
  };
}
