/**
 * Providers and servers that behave in ways of their own, and how they are recognised. It informs people and nothing else: no
 * behaviour follows from it (RFC 2449 §6.9 forbids that for IMPLEMENTATION), what is done follows from what a server does.
 * Where each fact comes from is in docs/providers.md; a test holds the two together.
 */

export interface ProviderSigns {
  readonly host: string;
  readonly greeting: string;
  /** Lines of CAPA; undefined where there is none. */
  readonly capabilities: readonly string[] | undefined;
}

export interface KnownProvider {
  readonly name: string;
  /** A heading of docs/providers.md, as its anchor. */
  readonly notes: string;
  /** What to mind, each a sentence. */
  readonly mind: readonly string[];
}

interface Provider extends KnownProvider {
  readonly hosts?: RegExp;
  readonly greeting?: RegExp;
  /** Matches one line of CAPA. */
  readonly capability?: RegExp;
}

/** Providers before programs: a provider is known by its name, and may run any program. */
const PROVIDERS: readonly Provider[] = [
  {
    name: 'Gmail',
    notes: 'gmail',
    hosts: /(^|\.)(gmail|googlemail)\.com$/,
    greeting: /^Gpop ready/,
    capability: /^X-GOOGLE-/,
    mind: [
      'a session lists about 250 conversations: set `limits.patience: 6m`, so that a run can log in until it finds nothing new, or use `recent:` before the user name for the last 30 days',
      'what was fetched disappears from later listings at QUIT, DELE or not; the POP settings of the account say whether it is also archived or deleted',
      'the password of the account is refused: make an app password, or log in by `password: { oauth: … }` (docs/oauth.md); Workspace takes tokens alone',
      'a day of POP is limited to 1,250 MB; beyond it the account is locked for a while: set `limits.bytesPerDay: 1GB`',
    ],
  },
  {
    name: 'Exchange Online, Outlook.com',
    notes: 'outlookcom-and-exchange-online',
    hosts: /(^|\.)(outlook\.com|office365\.com|hotmail\.com|live\.com)$/,
    mind: [
      'a password does not work any more: log in by `password: { oauth: … }` (docs/oauth.md)',
      'sizes in LIST are estimates, and a message may be converted anew for each RETR',
      'POP must be switched on for the mailbox',
    ],
  },
  {
    name: 'GMX, web.de',
    notes: 'gmx-and-webde',
    hosts: /(^|\.)(gmx\.(net|com|de|at|ch)|web\.de|mail\.com)$/,
    greeting: /^POP server ready H mi/,
    mind: [
      'POP must be allowed in the settings of the mailbox first',
      'with two-factor authentication on, the account needs an application-specific password',
    ],
  },
  {
    name: 'Yahoo, AOL',
    notes: 'yahoo-and-aol',
    hosts: /(^|\.)(yahoo\.com|yahoo\.co\.[a-z]+|aol\.com|ymail\.com)$/,
    mind: [
      'the password of the account is refused: make an app password',
      'AOL was seen to close the connection at a wrong password instead of saying so',
    ],
  },
  {
    name: 'Microsoft Exchange Server',
    notes: 'exchange-server',
    greeting: /Microsoft Exchange/,
    capability: /^IMPLEMENTATION Microsoft Exchange/i,
    mind: [
      'sizes in LIST are estimates unless EnableExactRFC822Size is set',
      'a message that cannot be converted is refused by RETR; it stays readable in Outlook',
    ],
  },
  {
    name: 'Dovecot',
    notes: 'dovecot',
    greeting: /\bDovecot\b/,
    capability: /^IMPLEMENTATION Dovecot/i,
    mind: [
      'unique-ids follow `pop3_uidl_format`: they change when that does, or when the mailbox moves',
      'many logins at once from one address are refused with [IN-USE] (`mail_max_userip_connections`)',
    ],
  },
  {
    name: 'Cyrus',
    notes: 'cyrus',
    greeting: /\bCyrus POP3\b/,
    capability: /^IMPLEMENTATION Cyrus/i,
    mind: [
      'unique-ids may be bare numbers (`uidl_format: uidonly`): they are good within one mailbox only, and may come again in another',
    ],
  },
  {
    name: 'Courier',
    notes: 'courier',
    greeting: /^Hello there\.$/,
    capability: /^IMPLEMENTATION Courier/i,
    mind: [
      'a wrong password takes 5 seconds to be refused',
      'LOGIN-DELAY is announced: leave time between runs',
    ],
  },
  {
    name: 'GNU Mailutils',
    notes: 'gnu-mailutils',
    capability: /^IMPLEMENTATION .*\b(GNU|mailutils)\b/i,
    mind: ['sizes change within a session, since UIDL writes a header into each message'],
  },
];

/** The first that one of its signs gives away; undefined for a server like any other. */
export function recogniseProvider({
  host,
  greeting,
  capabilities,
}: ProviderSigns): KnownProvider | undefined {
  const name = host.toLowerCase().replace(/\.$/, '');
  const found = PROVIDERS.find(
    ({ hosts, greeting: sign, capability }) =>
      hosts?.test(name) === true ||
      sign?.test(greeting) === true ||
      capabilities?.some((line) => capability?.test(line) === true) === true,
  );
  return found === undefined ? undefined : { name: found.name, notes: found.notes, mind: found.mind };
}

/** Every provider's notes, for the test that looks for them in the documentation. */
export const PROVIDER_NOTES: readonly string[] = PROVIDERS.map(({ notes }) => notes);
