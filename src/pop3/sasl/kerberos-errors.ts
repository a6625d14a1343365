/**
 * What the system's Kerberos says, in words and with what to do. The package gives its errors as texts alone, so they are told apart by
 * what MIT Kerberos and Heimdal write; the C locale, in which Node runs, leaves them untranslated. What no row knows is shown as it is.
 */
import { type ErrorFacts, MailferryError, systemCodeOf, textOf } from '../../errors/mailferry-error.ts';
import { printable } from '../status.ts';

interface KnownTrouble extends Pick<ErrorFacts, 'code' | 'retry' | 'hint'> {
  /** In lower case; any of them, anywhere in the text. */
  readonly phrases: readonly string[];
  readonly says: (service: string) => string;
}

const KINIT =
  'run `kinit` as the user that runs the job, or let KRB5CCNAME name the cache that holds a good ticket';

const TROUBLES: readonly KnownTrouble[] = [
  {
    phrases: ['ticket expired', 'credential has expired', 'credentials expired'],
    code: 'login-ticket-expired',
    retry: 'never',
    says: () => 'the Kerberos ticket has expired',
    hint: `${KINIT}; for jobs at night, KRB5_CLIENT_KTNAME may name a keytab to fetch one from`,
  },
  {
    phrases: [
      'cannot contact any kdc',
      'unable to reach any kdc',
      'cannot resolve',
      'service is not available',
    ],
    code: 'login-kdc-unreachable',
    retry: 'later',
    says: () => 'the Kerberos server (KDC) does not answer',
    hint: 'a later run does it by itself once the KDC can be reached',
  },
  {
    phrases: ['server not found', 'not found in kerberos database', 'server unknown'],
    code: 'login-unknown-service',
    retry: 'never',
    says: (service) => `Kerberos does not know the service ${service}`,
    hint: 'let `host`, or `tls.serverName`, be the name by which the server has its key (pop/NAME in its keytab), never an address',
  },
  {
    phrases: ['cannot find kdc', 'cannot determine realm', 'configuration file'],
    code: 'login-no-realm',
    retry: 'never',
    says: (service) => `it is not known which Kerberos realm has ${service}`,
    hint: 'see that /etc/krb5.conf (or what KRB5_CONFIG names) has the realm and its KDC',
  },
  {
    phrases: ['clock skew'],
    code: 'login-clock-skew',
    retry: 'never',
    says: () => 'the clock of this machine and that of the KDC differ too much',
    hint: 'set the clock of this machine',
  },
  {
    phrases: ['no credentials', 'no kerberos credentials', 'credentials cache'],
    code: 'login-no-ticket',
    retry: 'never',
    says: () => 'there is no Kerberos ticket to log in with',
    hint: KINIT,
  },
];

/** Why there is no token to begin with. */
export function ticketTrouble(text: string, service: string): MailferryError {
  const said = text.toLowerCase();
  const known = TROUBLES.find(({ phrases }) => phrases.some((phrase) => said.includes(phrase)));
  const says = known?.says(service) ?? `Kerberos gives no ticket for the service ${service}`;
  return new MailferryError(`${says} (GSSAPI); it says: ${inShort(text)}`, {
    code: known?.code ?? 'login-kerberos',
    scope: 'account',
    retry: known?.retry ?? 'never',
    hint: known?.hint ?? KINIT,
  });
}

/** What the server has sent is not what the holder of the service's key would send. */
export function notProven(text: string, service: string): MailferryError {
  return new MailferryError(`the server does not prove in GSSAPI that it is ${service}: ${inShort(text)}`, {
    code: 'login-server-not-proven',
    scope: 'account',
    retry: 'never',
    hint: 'somebody may be standing in for the server, or its keytab is old: check `host`, and ask its operator',
  });
}

/** @param cause of an import that failed: nothing there, no binary for this system, or no Kerberos libraries for it */
export function missingPackage(cause: unknown): MailferryError {
  // The one code is that of `import`, the other that of the bundle's `require`; the package may also lack a part of its own.
  const isNotFound = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(systemCodeOf(cause) ?? '');
  const isAbsent = isNotFound && textOf(cause).includes("'kerberos'");
  const why = isAbsent
    ? 'which is not installed'
    : `which cannot be loaded: ${inShort(firstLine(textOf(cause)))}`;
  return new MailferryError(`GSSAPI needs the optional package kerberos, ${why}`, {
    code: 'login-package-missing',
    scope: 'account',
    retry: 'never',
    hint: 'run `npm install kerberos` where mailferry is installed (`npm install --global kerberos` for a global one); on Debian it needs g++, make and libkrb5-dev',
    cause,
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

const MAX_SHOWN = 200;

/** "Major: minor" is said by the minor alone where that says something. */
function inShort(text: string): string {
  const [major = '', ...rest] = text.split(': ');
  const minor = rest.join(': ');
  const isEmpty = minor === '' || /^(success|unknown error)$/i.test(minor);
  return printable(isEmpty ? major : minor).slice(0, MAX_SHOWN);
}
